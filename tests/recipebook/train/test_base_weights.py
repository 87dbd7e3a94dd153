"""A base whose weights the engine could not load, or has none of LoRA's layers in them, is refused in one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.train.base_weights import require_weights

LAYERS = "down_proj, gate_proj, input_layernorm, k_norm, k_proj, o_proj, post_attention_layernorm, q_norm"


def write_recipe(base: str, **more: Any) -> Recipe:
    data = {"source": "x.jsonl", "converter": "chat"}
    return Recipe.model_validate({"description": "x", "model": {"base": base}, "data": data, **more})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A copy of the embedded base."""
    return Path(shutil.copytree(PROJECT / "models" / "tiny-base", tmp_path / "base"))


@pytest.mark.parametrize(
    "lora",
    [
        None,
        {"target_modules": "all-linear"},
        {"target_modules": ["q_proj", "c_attn"]},
        {"target_modules": ["self_attn.q_proj"]},
    ],
)
def test_a_base_with_some_of_the_layers_passes(lora: dict[str, Any] | None) -> None:
    require_weights(write_recipe("models/tiny-base", **({"lora": lora} if lora else {})))


def test_a_base_without_any_of_the_layers_is_refused_with_those_it_has() -> None:
    with pytest.raises(UserError) as refused:
        require_weights(write_recipe("models/tiny-base", lora={"target_modules": ["c_attn", "proj"]}))
    told = "lora.target_modules: none of c_attn, proj is a layer of models/tiny-base; it has: "
    assert str(refused.value).startswith(told + LAYERS)


def test_a_base_without_weights_is_refused_unless_it_is_pretrained(base: Path) -> None:
    (base / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"has no weights: no file in it ends in .safetensors$"):
        require_weights(write_recipe(str(base)))
    require_weights(write_recipe(str(base), training={"method": "pretrain"}))
    (base / "pytorch_model.bin").write_bytes(b"")
    require_weights(write_recipe(str(base), lora={}))


def test_a_file_that_is_cut_short_is_refused(base: Path) -> None:
    path = base / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"base: model.safetensors is cut short, or holds no weights$"):
        require_weights(write_recipe(str(base)))


def test_the_layers_may_stand_in_any_of_several_files(base: Path) -> None:
    head = json.dumps(
        {"model.layers.0.attn.c_attn.weight": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}
    ).encode()
    (base / "more.safetensors").write_bytes(len(head).to_bytes(8, "little") + head)
    require_weights(write_recipe(str(base), lora={"target_modules": ["c_attn"]}))


def test_a_base_on_the_hub_is_not_looked_at() -> None:
    require_weights(write_recipe("someone/something", lora={"target_modules": ["nope"]}))
