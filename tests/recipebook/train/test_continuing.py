"""An adapter that is trained further fits its recipe, or is refused before anything is launched, with the place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.resolve import resolve
from recipebook.run import provenance
from recipebook.run.checkpoints import read_shapes
from recipebook.train.continuing import check_begun, format_begun

RECIPE = """\
description: more
model:
  base: models/tiny-base
  chat_template: chatml
  adapter: ADAPTER
data: {source: samples/robot.json, converter: robot}
lora: {r: 2, alpha: 4}
"""
BASE = PROJECT / "models" / "tiny-base"
TARGETS = ("q_proj", "v_proj")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter of rank 2 that fits the tiny base, from nowhere in particular."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "lora_dropout": 0.05, "base_model_name_or_path": str(BASE)}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    weights = {}
    for name, (outputs, inputs) in list_targets().items():
        weights[f"base_model.model.{name}.lora_A.weight"] = np.ones((2, inputs))
        weights[f"base_model.model.{name}.lora_B.weight"] = np.ones((outputs, 2))
    save_file(weights, folder / "adapter_model.safetensors")
    return folder


def list_targets() -> dict[str, tuple[int, ...]]:
    shapes = read_shapes(BASE / "model.safetensors") or {}
    wanted = {name.removesuffix(".weight"): shape for name, shape in shapes.items()}
    return {name: shape for name, shape in wanted.items() if name.endswith(TARGETS)}


@pytest.fixture
def check(tmp_path: Path, adapter: Path) -> Callable[..., None]:
    """Checks a recipe of its own file, with text replaced in it."""

    def check_recipe(old: str = "", new: str = "", **config: Any) -> None:
        known = json.loads((adapter / "adapter_config.json").read_bytes())
        (adapter / "adapter_config.json").write_text(json.dumps({**known, **config}))
        path = tmp_path / "more.yaml"
        path.write_text(RECIPE.replace(old, new).replace("ADAPTER", str(adapter)))
        check_begun(resolve(str(path)))

    return check_recipe


def test_an_adapter_that_fits_is_taken_and_described(check: Callable[..., None], tmp_path: Path, adapter: Path) -> None:
    check()
    said = format_begun(resolve(str(tmp_path / "more.yaml")).recipe)
    assert said.startswith(f"trains {adapter} further (r 2, alpha 4 on q_proj, v_proj, digest ")


@pytest.mark.parametrize(
    ("old", "new", "config", "line"),
    [
        ("r: 2", "r: 8", {}, "more.yaml:7:11: lora.r: 8, but the adapter in {} has 2"),
        ("alpha: 4", "alpha: 16", {}, "more.yaml:7:21: lora.alpha: 16, but the adapter in {} has 4"),
        ("alpha: 4", "alpha: 4, target_modules: [q_proj]", {},
         "more.yaml:7:40: lora.target_modules: q_proj, but the adapter in {} has q_proj, v_proj"),
        ("alpha: 4", "alpha: 4, target_modules: all-linear", {},
         "more.yaml:7:40: lora.target_modules: down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj, but the "
         "adapter in {} has q_proj, v_proj"),
        ("alpha: 4", "alpha: 4, dropout: 0", {}, "more.yaml:7:33: lora.dropout: 0.0, but the adapter in {} has 0.05"),
        ("", "", {"use_rslora": True}, "more.yaml:1:1: axolotl.peft_use_rslora: False, but the adapter in {} has True"),
        ("models/tiny-base", "someone/base", {}, "more.yaml:3:9: model.base: someone/base, but {} was trained on "
         f"{BASE}"),
        ("", "", {"base_model_name_or_path": "models/tiny-seed"},
         "more.yaml:3:9: model.base: models/tiny-base, but {} was trained on models/tiny-seed"),
        ("models/tiny-base", "someone/base", {"base_model_name_or_path": "someone/other"},
         "more.yaml:3:9: model.base: someone/base, but {} was trained on someone/other"),
        ("ADAPTER", "nowhere", {}, "more.yaml:5:12: model.adapter: no folder 'nowhere'; an adapter of a run is named "
         "by {{run: NAME}}"),
        ("ADAPTER", "{run: more}", {}, "more.yaml:5:12: model.adapter: 'more' is this recipe itself: each command "
         "would train its newest run further; name a run in full"),
    ],
)  # fmt: skip
def test_an_adapter_that_does_not_fit_is_one_line_with_its_place(
    check: Callable[..., None], tmp_path: Path, adapter: Path, old: str, new: str, config: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError) as error:
        check(old, new, **config)
    assert str(error.value) == f"{tmp_path}/{line.format(adapter)}"


def test_a_module_of_another_size_than_the_base_has_is_named(check: Callable[..., None], adapter: Path) -> None:
    name = next(iter(list_targets()))
    weights = {f"base_model.model.{name}.lora_A.weight": np.ones((2, 7))}
    for module, (outputs, inputs) in list_targets().items():
        weights.setdefault(f"base_model.model.{module}.lora_A.weight", np.ones((2, inputs)))
        weights[f"base_model.model.{module}.lora_B.weight"] = np.ones((outputs, 2))
    save_file(weights, adapter / "adapter_model.safetensors")
    outputs, inputs = list_targets()[name]
    with pytest.raises(UserError) as error:
        check(base_model_name_or_path="/gone/base")
    assert str(error.value).endswith(
        f"model.base: models/tiny-base: {name} is 7 to {outputs} in {adapter}, and the base has {inputs} to {outputs}"
    )


def test_the_base_of_a_run_is_compared_by_what_it_recorded(
    check: Callable[..., None], adapter: Path, start_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run()
    recipe = resolve(str(write_recipe(adapter))).recipe
    hashes = {"base": provenance.digest_base(recipe), "chat_template": provenance.digest_chat_template(recipe)}
    monkeypatch.setattr("recipebook.run.begun._find_owner", lambda folder: run)
    run.write(run.read().model_copy(update={"base": "models/tiny-base", "hashes": hashes}))
    check()
    run.write(run.read().model_copy(update={"hashes": {**hashes, "base": "another"}}))
    with pytest.raises(UserError, match=r"was trained on models/tiny-base as it was then$"):
        check()
    run.write(run.read().model_copy(update={"hashes": {**hashes, "chat_template": "another"}}))
    with pytest.raises(UserError, match=r"was trained with another chat template than chatml$"):
        check()


def write_recipe(adapter: Path) -> Path:
    path = adapter.parent / "plain.yaml"
    data = yaml.safe_load(RECIPE.replace("ADAPTER", str(adapter)))
    path.write_text(yaml.safe_dump(data))
    return path
