"""A configuration of Axolotl becomes a recipe that is sound; each key without a counterpart is named."""

from typing import Any

import pytest

from recipebook.importing.axolotl import import_axolotl
from recipebook.recipe.faults import read_recipe
from recipebook.recipe.yaml_source import parse

CHAT: dict[str, Any] = {
    "base_model": "Qwen/Qwen2.5-0.5B-Instruct",
    "load_in_4bit": True,
    "adapter": "qlora",
    "lora_r": 16,
    "lora_alpha": 32,
    "lora_target_linear": True,
    "datasets": [{"path": "data/talks.jsonl", "type": "chat_template", "field_messages": "talk", "shards": 4}],
    "val_set_size": 0.05,
    "sequence_len": 1024,
    "micro_batch_size": 2,
    "num_epochs": 2,
    "learning_rate": 2e-4,
    "warmup_ratio": 0.1,
    "bf16": "auto",
    "evals_per_epoch": 4,
    "saves_per_epoch": 1,
    "wandb_project": "talks",
    "nonsense": 7,
    "output_dir": "./out",
}


def test_a_chat_configuration_becomes_a_recipe_with_its_own_names() -> None:
    draft = import_axolotl(CHAT, "d")
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert (recipe.model.base, recipe.model.chat_template) == ("Qwen/Qwen2.5-0.5B-Instruct", "tokenizer")
    assert recipe.data.source == "data/talks.jsonl"
    assert recipe.data.options == {"columns": {"messages": "talk"}}
    assert (recipe.data.split.validation, recipe.data.split.test) == (0.05, 0.1)
    training = recipe.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (2, 2, 2e-4)
    assert (training.max_length, training.too_long, training.precision) == (1024, "drop", "auto")
    assert recipe.lora
    assert recipe.lora.model_dump() == {
        "r": 16, "alpha": 32, "dropout": 0.0, "target_modules": "all-linear", "quantize": "4bit",
    }  # fmt: skip
    assert recipe.axolotl == {"wandb_project": "talks"}
    assert draft.recipe["profiles"] == {"mps": {"lora": {"quantize": None}}}


def test_every_key_without_a_counterpart_has_a_line() -> None:
    draft = import_axolotl(CHAT, "d")
    assert [note.rpartition(": ")[0] for note in draft.notes if "OUT=" not in note] == [
        "datasets[0].shards: 4",
        "evals_per_epoch: 4",
        "nonsense: 7",
    ]
    assert any(note.startswith("output_dir: ./out: ") for note in draft.notes)
    assert draft.left == {}


def test_what_is_absent_has_axolotls_own_default() -> None:
    draft = import_axolotl({"base_model": "b", "datasets": [{"path": "owner/name", "split": "train"}]}, "d")
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert recipe.data.source == "hf:owner/name:train"
    assert recipe.lora is None
    training = recipe.training
    assert (training.epochs, training.batch_size, training.max_length) == (1, 1, 512)
    assert (training.warmup_ratio, training.optimizer) == (0.03, "adamw_torch_fused")


def test_steps_end_the_training_and_give_the_share_of_the_warm_up() -> None:
    given = {"base_model": "b", "rl": "dpo", "rl_beta": 0.2, "max_steps": 500, "warmup_steps": 50, "save_steps": 100}
    draft = import_axolotl({**given, "datasets": [{"path": "p.jsonl"}]}, "d")
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults
    assert (recipe.training.method, recipe.preference.beta, recipe.data.converter) == ("dpo", 0.2, "preference")
    assert (recipe.training.max_steps, recipe.training.warmup_ratio, recipe.training.save_steps) == (500, 0.1, 100)
    assert "epochs" not in draft.recipe["training"]


@pytest.mark.parametrize(
    ("name", "strategy"), [("deepspeed_configs/zero3_bf16.json", "zero3"), ("ds/zero1.json", "zero1")]
)
def test_deepspeeds_stage_follows_from_the_name_of_its_file(name: str, strategy: str) -> None:
    assert import_axolotl({"deepspeed": name}, "d").recipe["launch"] == {"strategy": strategy}


def test_offload_and_further_data_sets_are_named() -> None:
    given = {
        "deepspeed": "zero3_offload.json",
        "datasets": [{"path": "a.jsonl"}, {"path": "b.jsonl", "type": "alpaca"}],
    }
    notes = import_axolotl(given, "d").notes
    assert notes[0].startswith("datasets[1]: {path: b.jsonl, type: alpaca}: a recipe has one source")
    assert notes[1].startswith("deepspeed: zero3_offload.json: ")


def test_the_file_has_the_lines_as_comments_and_reads_as_the_recipe() -> None:
    draft = import_axolotl(CHAT, "d")
    text = draft.format()
    assert text.startswith("# No counterpart:\n#   datasets[0].shards: 4: ")
    assert parse(text, "x.yaml").data == draft.recipe
