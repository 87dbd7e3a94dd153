"""The adapter that a recipe trains further: where it lies, what it is, and what of it decides the outcome."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from recipebook import project
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.run import begun, identities
from recipebook.run.begun import find_begun, list_lineage
from recipebook.run.manifest import Ancestor, StageEntry
from recipebook.run.rundir import Run

CONFIG = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "lora_dropout": 0.05, "base_model_name_or_path": "someone/base"}
DATA = {"source": "samples/robot.json", "converter": "robot"}


def write_adapter(folder: Path, value: float = 1.0, **config: Any) -> Path:
    """An adapter of rank 2 at one module, of 3 inputs and 5 outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({**CONFIG, **config}))
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    weights = {f"{name}.lora_A.weight": np.full((2, 3), value), f"{name}.lora_B.weight": np.ones((5, 2))}
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def name_adapter(adapter: Any, **sections: Any) -> Recipe:
    data = {"description": "d", "model": {"base": "someone/base", "adapter": adapter}, "data": DATA, "lora": {}}
    return Recipe.model_validate_json(json.dumps({**data, **sections}), strict=True)


def test_a_folder_is_read_without_torch(tmp_path: Path) -> None:
    found = find_begun(name_adapter(str(write_adapter(tmp_path / "adapter"))))
    assert found is not None
    assert found.modules == {"model.layers.0.self_attn.q_proj": (3, 5)}
    assert (found.targets, found.owner, found.config["r"]) == (frozenset({"q_proj"}), None, 2)


def test_a_recipe_without_one_begins_with_a_new_adapter() -> None:
    assert find_begun(name_adapter(None)) is None
    assert list_lineage(None) == ()


def test_the_identity_has_the_content_and_not_the_place(tmp_path: Path) -> None:
    def identify(folder: Path) -> str:
        return identities.identify(name_adapter(str(folder)), "rows")

    first = write_adapter(tmp_path / "first")
    assert identify(first) == identify(write_adapter(tmp_path / "second"))
    assert identify(first) == identify(write_adapter(tmp_path / "third", base_model_name_or_path="/home/me/base"))
    assert identify(first) != identify(write_adapter(tmp_path / "other", 2.0))
    assert identify(first) != identify(write_adapter(tmp_path / "scaled", lora_alpha=8))
    assert identify(first) != identities.identify(name_adapter(None), "rows")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs"
    monkeypatch.setattr(project, "RUNS", folder)
    monkeypatch.setattr(begun, "RUNS", folder)
    return folder


def test_a_run_is_the_newest_of_its_recipe_and_its_own_ancestors_follow(runs: Path, start_run: Any) -> None:
    run: Run = start_run(recipe="robot")
    runs.mkdir()
    run.folder.rename(runs / run.folder.name)
    run = Run(runs / run.folder.name)
    write_adapter(run.folder / "model")
    older = Ancestor(digest="0ld", folder="elsewhere")
    run.write(run.read().model_copy(update={"lineage": (older,)}))
    found = find_begun(name_adapter({"run": "robot"}))
    assert found is not None and found.owner is not None
    assert found.folder == run.folder / "model"
    own = Ancestor(digest=found.digest, folder=str(found.folder), run=run.name, identity="i")
    assert list_lineage(found) == (own, older)
    by_folder = find_begun(name_adapter(str(run.folder / "model")))
    assert by_folder is not None and by_folder.owner is not None
    assert (by_folder.owner.folder, by_folder.digest) == (run.folder, found.digest)


@pytest.fixture
def staged(runs: Path, start_run: Any) -> Run:
    """A run of two trained stages, each with an adapter of its own."""
    run: Run = start_run(recipe="dial")
    runs.mkdir()
    run.folder.rename(runs / run.folder.name)
    run = Run(runs / run.folder.name)
    entries = []
    for at, name in enumerate(("sft", "dpo")):
        write_adapter(run.folder / "stages" / name / "model", float(at))
        entries.append(StageEntry(name=name, kind="train", start="base", inputs={}, identity=name, status="trained"))
    run.write(run.read().model_copy(update={"pipeline": tuple(entries)}))
    return run


@pytest.mark.parametrize(("name", "stage"), [("dial", "dpo"), ("dial/sft", "sft")])
def test_a_run_with_stages_is_its_last_model_and_a_stage_is_named_behind_it(staged: Run, name: str, stage: str) -> None:
    found = find_begun(name_adapter({"run": name}))
    assert found is not None and found.folder == staged.folder / "stages" / stage / "model"


def test_a_fleet_is_no_adapter(runs: Path, start_run: Any) -> None:
    for name in ("joy", "anger"):
        folder = runs / "traits" / f"{name}-20261120-120005"
        folder.parent.mkdir(parents=True, exist_ok=True)
        start_run(recipe="traits").folder.rename(folder)
        write_adapter(folder / "model")
        member = Run(folder, "traits")
        member.write(member.read().model_copy(update={"member": name, "run": member.name}))
    with pytest.raises(UserError, match=r"^traits is a fleet; RUN takes one of its members: traits/anger, traits/joy$"):
        find_begun(name_adapter({"run": "traits"}))
    found = find_begun(name_adapter({"run": "traits/joy"}))
    assert found is not None and found.folder.parent.name == "joy-20261120-120005"


@pytest.mark.parametrize(
    ("break_it", "line"),
    [
        (lambda folder: folder.joinpath("adapter_config.json").unlink(),
         "{} has no adapter_config.json, so it holds no adapter"),
        (lambda folder: folder.joinpath("adapter_config.json").write_text("{}}"),
         "{}/adapter_config.json: cannot be read: Extra data: line 1 column 3 (char 2)"),
        (lambda folder: write_adapter(folder, peft_type="IA3"),
         "{}/adapter_config.json: peft_type is IA3; only LORA adapters are trained further"),
        (lambda folder: folder.joinpath("adapter_model.safetensors").rename(folder / "adapter_model.bin"),
         "{} has no adapter_model.safetensors: adapter_model.bin may run code when it is read, and is not taken"),
        (lambda folder: folder.joinpath("adapter_model.safetensors").unlink(), "{} has no adapter_model.safetensors"),
        (lambda folder: folder.joinpath("adapter_model.safetensors").write_bytes(b"12345678"),
         "{}/adapter_model.safetensors is cut short, or holds no weights"),
    ],
)  # fmt: skip
def test_a_folder_that_holds_no_adapter_is_refused_in_one_line(tmp_path: Path, break_it: Any, line: str) -> None:
    folder = write_adapter(tmp_path / "adapter")
    break_it(folder)
    with pytest.raises(UserError) as error:
        find_begun(name_adapter(str(folder)))
    assert str(error.value) == line.format(folder)


def test_a_folder_that_is_not_there_says_how_a_run_is_named() -> None:
    with pytest.raises(UserError, match=r"^no folder 'robot-lora'; an adapter of a run is named by \{run: NAME\}$"):
        find_begun(name_adapter("robot-lora"))


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ({"lora": None}, "model.adapter is trained further, and without a lora section all weights are trained"),
        ({"remote": {}}, "model.adapter is on this machine, and a service begins with a new adapter"),
        ({"training": {"method": "pretrain"}}, "model.adapter fits its own base, and pretrain begins with new weights"),
    ],
)
def test_a_recipe_that_cannot_train_one_further_is_refused(sections: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=line):
        name_adapter("somewhere", **sections)
