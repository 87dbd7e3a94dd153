"""A configuration of Axolotl becomes a recipe that is sound; each key without a counterpart is named."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipebook.importing.axolotl import SPECIAL, find_misfits, import_axolotl
from recipebook.recipe.axolotl_keys import RECIPE_KEYS
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
        "r": 16, "alpha": 32, "dropout": 0.0, "target_modules": "all-linear", "kernels": True, "quantize": "4bit",
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


@pytest.mark.parametrize(
    "given",
    [
        {"fsdp_version": 2, "fsdp_config": {"offload_params": True, "state_dict_type": "FULL_STATE_DICT"}},
        {"fsdp": ["full_shard", "auto_wrap", "offload"]},
    ],
)
def test_shards_of_either_form_become_a_strategy_and_their_offload_is_named(given: dict[str, Any]) -> None:
    draft = import_axolotl(given, "d")
    assert draft.recipe["launch"] == {"strategy": "fsdp2"}
    assert draft.notes[-1] == (
        "fsdp_config: offload_params: weights stay on the GPU under fsdp2; launch.offload: weights with "
        "launch.strategy: zero3 and an AdamW of PyTorch's puts them into main memory"
    )
    assert draft.left == {}


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


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("datasets", "data/talks.jsonl", "datasets: 'data/talks.jsonl' is not a list (of 1 or more)"),
        ("datasets", ["data/talks.jsonl"], "datasets.0: 'data/talks.jsonl' is not a mapping"),
        ("max_steps", "many", "max_steps: 'many' is not a whole number"),
        ("warmup_steps", [5], "warmup_steps: a list is not a whole number"),
        ("val_set_size", "0.05", "val_set_size: '0.05' is not a number"),
    ],
)
def test_a_value_that_axolotl_refuses_is_named_and_not_guessed_at(key: str, value: Any, fault: str) -> None:
    assert [one.text for one in find_misfits({**CHAT, key: value})] == [fault]


def test_a_key_that_no_recipe_has_is_no_misfit_whatever_it_holds() -> None:
    assert find_misfits({**CHAT, "nonsense": {"a": [1]}, "unfrozen_parameters": "no list"}) == []


CONFIGURATIONS = st.dictionaries(
    st.sampled_from(sorted({*CHAT, *RECIPE_KEYS, *SPECIAL, "test_datasets", "deepspeed", "chat_template", "plugins"})),
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 300) | st.floats(-1, 2) | st.sampled_from(["", "x", "0.1", "auto"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["path", "type", "name"]), inner),
        max_leaves=4,
    ),
    max_size=4,
)


@given(changes=CONFIGURATIONS)
@settings(max_examples=300, deadline=None)
def test_whatever_a_configuration_holds_is_refused_or_imported_with_every_key_told(changes: dict[str, Any]) -> None:
    config = {**CHAT, **changes}
    if not find_misfits(config):
        draft = import_axolotl(config, "d")
        assert not draft.left
        assert parse(draft.format(), "x").data == draft.recipe
