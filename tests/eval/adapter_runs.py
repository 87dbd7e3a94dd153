"""A run with a trained adapter, and faults to plant in it: a recipe in, a run as training leaves it out."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from recipebook.recipe.resolve import resolve
from recipebook.run.adapter import merge_adapter, put_on
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights
from tests.recipebook.recipe.making import train, write_sample
from tests.recipebook.run.adapters import (
    TINY,
    Tensors,
    change_config,
    change_weights,
    load_base,
    map_weights,
    write_trained,
)

RECIPE = """\
description: a recipe
model: {base: FOLDER/base, chat_template: chatml}
data: {source: FOLDER/chats.jsonl, converter: chat, split: {by: [id], validation: 0.2, test: 0.2}}
lora: {r: 4, alpha: 8}
eval: {metrics: {text: {}}, generation: {max_new_tokens: 2}}
"""
NO_ADAPTER = ("model.safetensors", "config.json", "generation_config.json")
# Plants a fault in an adapter's folder or its base's.
Plant = Callable[[Path, Path], object]


def write_recipe(folder: Path, text: str = RECIPE) -> None:
    """The data, a base of its own, and a recipe."""
    write_sample(folder)
    shutil.copytree(TINY, folder / "base", dirs_exist_ok=True)
    (folder / "x.yaml").write_text(text.replace("FOLDER", str(folder)))


def make_run(folder: Path, member: str | None = None, seed: int = 1) -> Run:
    """A run of that recipe whose adapter some steps have trained."""
    run = train(resolve(str(folder / "x.yaml"), None), folder, member)
    for name in NO_ADAPTER:
        (run.folder / "model" / name).unlink()
    write_trained(run.folder / "model", seed, rate=1e-2)
    note_weights(run)
    return run


def note_weights(run: Run) -> None:
    """Let the manifest agree with the weights, as if they had been so when training saved them."""
    run.write(run.read().model_copy(update={"weights": dict(check_weights(run.folder / "model", None))}))


def weights(change: Callable[[Tensors], Tensors]) -> Plant:
    """Changes the adapter's weights."""
    return lambda model, _: change_weights(model, change)


def each(change: Callable[[torch.Tensor], torch.Tensor], part: str = "") -> Plant:
    """Changes each tensor of the adapter that has the part in its name."""
    return weights(map_weights(lambda name, one: change(one) if part in name else one))


def scaled(factor: float) -> Plant:
    """Multiplies B, and so the product of A and B."""
    return each(lambda one: one * factor, "lora_B")


def settings(**changed: Any) -> Plant:
    """Changes the adapter's settings."""
    return lambda model, _: change_config(model, **changed)


def draw_base(_: Path, base: Path) -> None:
    """Draws the base's weights anew, in the same shapes."""
    torch.manual_seed(3)
    tensors = load_file(base / "model.safetensors")
    drawn = {name: torch.randn(one.shape).to(one.dtype) for name, one in tensors.items()}
    save_file(drawn, base / "model.safetensors", {"format": "pt"})


def merge_into_base(model: Path, base: Path) -> None:
    """Adds the adapter into the base's weights."""
    merge_adapter(put_on(load_base(), model).model).to(torch.bfloat16).save_pretrained(base)


def double(tensors: Tensors) -> Tensors:
    """An adapter of a base that is twice as wide."""
    return {name: torch.cat([one, one], dim=int("lora_A" in name)) for name, one in tensors.items()}
