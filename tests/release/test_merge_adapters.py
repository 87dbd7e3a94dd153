"""Adapters of one base become one, whose effect is what the weights say; others are refused in a line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipebook.building import building
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.run.provenance import digest_model
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights
from release.merge_adapters import merge_adapters

TINY = PROJECT / "models" / "tiny-base"
RECIPE = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot}
"""
HASHES = {"base": digest_model(TINY), "chat_template": "c"}
MakeAdapter = Callable[..., Run]


@pytest.fixture
def make_adapter(start_run: Callable[..., Run]) -> MakeAdapter:
    """Runs with an adapter that changes something for certain; a seed and an hour each."""

    def make(seed: int, r: int = 2, hashes: dict[str, str] = HASHES, **settings: Any) -> Run:
        run = start_run(hour=seed)
        (run.folder / "resolved.yaml").write_text(RECIPE)
        torch.manual_seed(seed)
        base: Any = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
        config = LoraConfig(r=r, lora_alpha=8, target_modules=["q_proj"], init_lora_weights=False, **settings)
        get_peft_model(base, config).save_pretrained(str(run.folder / "model"))
        AutoTokenizer.from_pretrained(TINY).save_pretrained(run.folder / "model")
        weights = dict(check_weights(run.folder / "model", None))
        run.write(run.read().model_copy(update={"hashes": hashes, "weights": weights}))
        return run

    return make


def change(folder: Path) -> torch.Tensor:
    """What an adapter adds to the weights of the first layer."""
    config, weights = (
        json.loads((folder / "adapter_config.json").read_text()),
        load_file(folder / "adapter_model.safetensors"),
    )
    a, b = (next(weights[name] for name in sorted(weights) if f"lora_{side}" in name) for side in "AB")
    added: torch.Tensor = config["lora_alpha"] / config["r"] * b @ a
    return added


def test_side_by_side_their_effects_add_up(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    one, other = make_adapter(1), make_adapter(2, r=3)
    out = tmp_path / "models" / "both"
    assert merge_adapters([one.name, other.name], [0.7, -0.3], out, "cat", runs=tmp_path) == 0
    wanted = 0.7 * change(one.folder / "model") - 0.3 * change(other.folder / "model")
    torch.testing.assert_close(change(out), wanted)
    base: Any = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
    config = PeftModel.from_pretrained(base, out).peft_config["default"]
    assert isinstance(config, LoraConfig) and config.r == 5
    assert AutoTokenizer.from_pretrained(out).chat_template == AutoTokenizer.from_pretrained(TINY).chat_template
    digests = [check_weights(run.folder / "model", None)["digest"] for run in (one, other)]
    assert json.loads((out / "merged.json").read_bytes()) == {
        "kind": "cat",
        "adapters": [
            {"run": one.name, "weight": 0.7, "digest": digests[0]},
            {"run": other.name, "weight": -0.3, "digest": digests[1]},
        ],
    }
    assert [path.name for path in out.parent.iterdir()] == ["both"]


def test_added_up_apart_they_keep_their_rank_and_ties_prunes_them(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    names = [make_adapter(1).name, make_adapter(2).name]
    merge_adapters(names, [1.0, 0.0], tmp_path / "linear", runs=tmp_path)
    torch.testing.assert_close(change(tmp_path / "linear"), change(tmp_path / names[0] / "model"))
    merge_adapters(names, [0.5, 0.5], tmp_path / "ties", "ties", 0.25, runs=tmp_path)
    weights = load_file(tmp_path / "ties" / "adapter_model.safetensors")
    # A quarter of either is kept.
    shares = [float((tensor != 0).float().mean()) for tensor in weights.values()]
    assert max(shares) <= 0.5 and min(shares) >= 0.25


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"r": 4}, "have ranks 2 and 4; linear needs equal ones, KIND=cat does not"),
        ({"hashes": {**HASHES, "base": "x"}}, "cannot be merged: each has a base of its own"),
        ({"hashes": {**HASHES, "chat_template": "x"}}, "cannot be merged: each has a chat template of its own"),
        ({"use_dora": True}, "was trained with use_dora; only plain LoRA can be merged"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    make_adapter: MakeAdapter, tmp_path: Path, other: dict[str, Any], told: str
) -> None:
    names = [make_adapter(1).name, make_adapter(2, **other).name]
    with pytest.raises(UserError) as caught:
        merge_adapters(names, [0.5, 0.5], tmp_path / "out", runs=tmp_path)
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_what_peft_refuses_is_one_line(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    names = [make_adapter(seed, modules_to_save=["lm_head"]).name for seed in (1, 2)]
    with pytest.raises(UserError, match=r"^PEFT cannot merge these: Cannot add weighted adapters"):
        merge_adapters(names, [0.5, 0.5], tmp_path / "out", runs=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


@pytest.mark.parametrize(
    ("names", "weights", "kind", "density", "told"),
    [
        (["a"], [1.0], "linear", None, "WEIGHTS: 1 given, and 1 RUNS"),
        (["a", "b"], [1.0], "linear", None, "WEIGHTS: 1 given, and 2 RUNS"),
        (["a", "b"], [1.0, 1.0], "ties", None, "DENSITY: None; ties needs one"),
        (["a", "b"], [1.0, 1.0], "cat", 0.5, "DENSITY: 0.5; ties needs one above 0 and up to 1, and cat is the KIND"),
        (["a", "b"], [1.0, 1.0], "ties", 1.5, "DENSITY: 1.5"),
        (["a", "b"], [1.0, 1.0], "linear", None, "no run 'a' in runs/"),
    ],
)
def test_a_wrong_request_is_one_line(
    tmp_path: Path, names: list[str], weights: list[float], kind: str, density: float | None, told: str
) -> None:
    with pytest.raises(UserError) as caught:
        merge_adapters(names, weights, tmp_path / "out", kind, density, runs=tmp_path)
    assert told in str(caught.value)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is there already"):
        merge_adapters(["a", "b"], [1.0, 1.0], tmp_path, runs=tmp_path)


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        (["nan", "nan"], "WEIGHTS: nan is no weight; a weight is a finite number"),
        (["1", "-inf"], "WEIGHTS: -inf is no weight; a weight is a finite number"),
    ],
)
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, weights: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        merge_adapters(["a", "b"], [float(one) for one in weights], tmp_path / "out", runs=tmp_path)


def test_a_sum_that_is_not_finite_is_not_written(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    names = [make_adapter(1).name, make_adapter(2).name]
    with pytest.raises(UserError, match=r"WEIGHTS: 1e\+300 1e\+300: their sum is not finite"):
        merge_adapters(names, [1e300, 1e300], tmp_path / "out", runs=tmp_path)
    assert not (tmp_path / "out").exists()


def test_adapters_that_add_up_to_nothing_are_not_written(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    names = [make_adapter(1).name, make_adapter(2).name]
    with pytest.raises(
        UserError, match=r"WEIGHTS: 0\.0 0\.0: the merged adapter acts at no module: B·A is zero at all 4"
    ):
        merge_adapters(names, [0.0, 0.0], tmp_path / "out", runs=tmp_path)
    assert not (tmp_path / "out").exists()


def test_weights_of_another_run_are_not_merged(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    one, other = make_adapter(1), make_adapter(2)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(one.folder / "model" / name, other.folder / "model" / name)
    with pytest.raises(UserError, match="these are not the weights that the run saved"):
        merge_adapters([one.name, other.name], [0.5, 0.5], tmp_path / "out", runs=tmp_path)
    assert not (tmp_path / "out").exists()


def test_two_merges_into_one_folder_do_not_build_in_the_same_place(make_adapter: MakeAdapter, tmp_path: Path) -> None:
    names = [make_adapter(1).name, make_adapter(2).name]
    with building("both", tmp_path) as other:
        (other / "file").write_text("half")
        merge_adapters(names, [1.0, 1.0], tmp_path / "both", runs=tmp_path)
        assert (other / "file").read_text() == "half"
    assert (tmp_path / "both" / "merged.json").is_file()
