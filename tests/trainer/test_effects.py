"""Under each method every key that says how to train changes what Axolotl makes of it, or is refused.

Axolotl sets a training up, up to the first step, with a key and without (benchmarks/dry_run.py): its arguments, model,
adapter, optimizer, schedule, sampler and rows must differ.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.project import PROJECT
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.recipe.section import Section
from recipebook.recipe.switches import check_switches
from recipebook.recipe.training_keys import Lora, Preference, Training

ROWS = 12
# A recipe of each method, with rows that have spans and with rows that are too long for `SHORT`.
RECIPES = {
    "sft": ("toolformer-sft", "data.options={spans: true}"),
    "pretrain": ("toolformer-sft", "data.options={spans: true}", "training.method=pretrain"),
    "dpo": ("preference-dpo",),
    "ipo": ("preference-ipo",),
    "orpo": ("preference-orpo",),
    "simpo": ("preference-simpo",),
    "kto": ("preference-kto",),
}
STEPS = ("training.eval_steps=2", "training.save_steps=2")
SHORT = ("training.max_length=60", "training.too_long=truncate")
# What is set, and behind it what must be set beside it.
CHANGES: dict[str, tuple[str, ...]] = {
    "training.epochs": ("training.epochs=1",),
    "training.max_steps": ("training.max_steps=7",),
    "training.batch_size": ("training.batch_size=3",),
    "training.gradient_accumulation": ("training.gradient_accumulation=2",),
    "training.global_batch": ("training.global_batch=8",),
    "training.learning_rate": ("training.learning_rate=0.5",),
    "training.scheduler": ("training.scheduler=linear",),
    "training.warmup_ratio": ("training.warmup_ratio=0.9",),
    "training.weight_decay": ("training.weight_decay=0.3",),
    "training.max_grad_norm": ("training.max_grad_norm=2",),
    "training.optimizer": ("training.optimizer=sgd",),
    "training.max_length": ("training.max_length=300",),
    "training.too_long": ("training.too_long=drop", *SHORT),
    "training.packing": ("training.packing=true",),
    "training.pack_length": (
        "training.pack_length=60", "training.packing=records", "training.batch_size=2",
        "training.gradient_accumulation=4",
    ),
    "training.group_by_length": ("training.group_by_length=true", "training.group_by_length=false"),
    "training.gradient_checkpointing": ("training.gradient_checkpointing=true",),
    "training.chunked_loss": ("training.chunked_loss=true",),
    "training.precision": ("training.precision=bf16",),
    "training.train_on": ("training.train_on=all",),
    "training.span_weights": (
        "training.span_weights={tool: 1.0, position: 0.8, argument: 0.6, fluency: 0.4}",
    ),
    "training.seed": ("training.seed=7",),
    "training.logging_steps": ("training.logging_steps=3",),
    "training.eval_steps": ("training.eval_steps=3", "training.eval_steps=null"),
    "training.save_steps": ("training.save_steps=3", "training.save_steps=null"),
    "training.early_stopping": ("training.early_stopping=2", *STEPS),
    "training.keep_checkpoints": ("training.keep_checkpoints=1",),
    "training.workers": ("training.workers=1",),
    "lora.r": ("lora.r=5",),
    "lora.alpha": ("lora.alpha=5",),
    "lora.dropout": ("lora.dropout=0.3",),
    "lora.target_modules": ("lora.target_modules=[o_proj]",),
    "preference.beta": ("preference.beta=0.7",),
    "preference.loss": ("preference.loss=hinge",),
    "preference.label_smoothing": ("preference.label_smoothing=0.1", "preference.loss=robust"),
    "preference.precompute_reference": (
        "preference.precompute_reference=true", "preference.precompute_reference=false"
    ),
    "preference.gamma": ("preference.gamma=0.7",),
    "preference.odds_weight": ("preference.odds_weight=0.7",),
    "preference.desirable_weight": ("preference.desirable_weight=3",),
    "preference.undesirable_weight": ("preference.undesirable_weight=3",),
    "model.chat_template": ("model.chat_template=instruct",),
}  # fmt: skip
# Of these a machine without a GPU shows nothing; tests/recipebook/recipe/test_effects.py shows what is rendered.
NEED_A_GPU = {"training.pin_memory", "lora.quantize", "lora.kernels", "training.tf32"}
# Of these a machine without a GPU shows that Axolotl takes them up, and stops.
STOP_WITHOUT_A_GPU = {"training.precision", "training.gradient_checkpointing"}
# Which methods use a key; a key that is not here is used by all of them.
USERS = {
    "training.packing": {"sft", "pretrain"},
    "training.pack_length": {"sft", "pretrain"},
    "training.chunked_loss": {"sft", "pretrain"},
    "training.group_by_length": {"sft", "pretrain"},
    "training.train_on": {"sft", "pretrain"},
    "training.span_weights": {"sft", "pretrain"},
    "preference.beta": {"dpo", "ipo", "kto", "simpo"},
    "preference.loss": {"dpo"},
    "preference.label_smoothing": {"dpo"},
    "preference.precompute_reference": {"dpo", "ipo"},
    "preference.gamma": {"simpo"},
    "preference.odds_weight": {"orpo"},
    "preference.desirable_weight": {"kto"},
    "preference.undesirable_weight": {"kto"},
}


def test_every_key_that_says_how_to_train_is_changed() -> None:
    sections: dict[str, type[Section]] = {"training": Training, "lora": Lora, "preference": Preference}
    keys = {f"{name}.{key}" for name, section in sections.items() for key in section.model_fields}
    assert keys - NEED_A_GPU - {"training.method"} == {key for key in CHANGES if not key.startswith("model.")}


@pytest.mark.long
@pytest.mark.parametrize("method", RECIPES)
def test_a_key_changes_what_is_trained_or_is_refused(method: str, tmp_path: Path) -> None:
    recipe, *settings = RECIPES[method]
    write_rows(read(recipe, settings), tmp_path)
    cases: dict[str, Any] = {"as it is": render(read(recipe, settings))}
    refused = set()
    for key, (change, *beside) in CHANGES.items():
        try:
            cases[key] = render(read(recipe, [*settings, *beside, change]))
        except UserError as error:
            # Spans are for chats: a converter of pairs marks none.
            assert key == "training.span_weights" or "has no effect with" in str(error)
            assert key.rpartition(".")[2] in str(error)
            refused.add(key)
            continue
        if beside:
            cases[f"{key} before"] = render(read(recipe, [*settings, *beside]))
    assert refused == {key for key in CHANGES if method not in USERS.get(key, RECIPES)}
    found = set_up(cases, tmp_path)
    stopped = {
        name: case["error"] for name, case in found.items() if "error" in case and name not in STOP_WITHOUT_A_GPU
    }
    assert stopped == {}
    before = {key: found.get(f"{key} before", found["as it is"])["facts"] for key in cases.keys() & CHANGES.keys()}
    assert [key for key in before if found[key].get("facts") == before[key]] == []


def read(recipe: str, settings: list[str]) -> Resolved:
    """The recipe under the profile tiny; a key without an effect is refused."""
    resolved = resolve(recipe, "tiny", settings)
    check_references(resolved)
    check_switches(resolved)
    return resolved


def render(resolved: Resolved) -> Any:
    """What Axolotl reads."""
    inputs = Inputs(train="train.jsonl", validation="validation.jsonl", prepared="prepared")
    return yaml.safe_load(render_axolotl(resolved.recipe, inputs, gpu=False))


def write_rows(resolved: Resolved, folder: Path) -> None:
    """A few rows of train and validation."""
    dataset = prepare(resolved.recipe.data, folder / "cache" / "data", PROJECT)
    for part in ("train", "validation"):
        lines = dataset.path(part).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{part}.jsonl").write_text("".join(lines[:ROWS]), encoding="utf-8")


def set_up(cases: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Axolotl, in a process of its own."""
    (folder / "cases").write_text(json.dumps(cases))
    command = [sys.executable, "-m", "benchmarks.dry_run", "cases", "facts"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return dict(json.loads((folder / "facts").read_text()))
