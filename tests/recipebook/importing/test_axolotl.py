"""A configuration of Axolotl becomes a recipe that is sound; each key without a counterpart is named."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.importing.axolotl import SPECIAL, find_misfits, import_axolotl
from recipebook.importing.soundness import make_sound
from recipebook.project import PROJECT
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
        {"fsdp_version": 2, "fsdp_config": {"offload_params": True}},
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


def test_settings_of_shards_are_named_and_weights_that_stay_on_the_gpu_are_no_offload() -> None:
    draft = import_axolotl({"fsdp_config": {"offload_params": False, "state_dict_type": "FULL_STATE_DICT"}}, "d")
    assert draft.notes == [
        "fsdp_config: {state_dict_type: FULL_STATE_DICT}: launch.strategy: fsdp2 has settings of its own"
    ]


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


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rl": "grpo"}, "rl: grpo: recipes have dpo, ipo, kto, orpo, simpo, and grpo on shell tasks alone"),
        ({"reward_model": True}, "reward_model: no recipe trains a model of rewards"),
        ({"processor_type": "AutoProcessor"}, "processor_type: recipes train on text, not on pictures or sound"),
        ({"adapter": "ia3"}, "adapter: 'ia3': recipes have lora and qlora"),
        (
            {"plugins": ["axolotl.integrations.kd.KDPlugin"]},
            "plugins: axolotl.integrations.kd.KDPlugin: it trains in another way than recipes do",
        ),
        (
            {"datasets": None, "pretraining_dataset": [{"path": "owner/name", "type": "pretrain"}]},
            "pretraining_dataset: texts without questions and answers; recipes learn from chats, pairs and shell tasks",
        ),
        (
            {"datasets": [{"path": "texts.jsonl", "type": "completion"}]},
            "datasets.0.type: completion: texts without questions and answers; recipes learn from chats, pairs and "
            "shell tasks",
        ),
        (
            {"datasets": [{"path": "imdb", "type": "alpaca"}]},
            "datasets.0.path: 'imdb' is no file, no folder from here, and no OWNER/NAME on the hub",
        ),
        (
            {"test_datasets": [{"path": "s3://bucket/x.jsonl", "type": "alpaca"}]},
            "test_datasets.0.path: 's3://bucket/x.jsonl' is no file, no folder from here, and no OWNER/NAME on the hub",
        ),
        ({"datasets": None}, "no 'datasets', from which a recipe has its data"),
    ],
)
def test_another_training_than_recipes_have_is_refused_and_not_made_into_one(
    changes: dict[str, Any], fault: str
) -> None:
    assert [one.text for one in find_misfits({**CHAT, **changes})] == [fault]


def test_a_key_without_a_value_is_absent() -> None:
    assert find_misfits({**CHAT, "output_dir": None, "rl": None, "adapter": None, "reward_model": False}) == []


@pytest.mark.parametrize(
    ("entry", "source", "notes"),
    [
        (
            {"path": "o/n", "split": "train[:20%]"},
            "hf:o/n:train",
            ["split: train[:20%]: all records of train are read"],
        ),
        ({"path": "o/n", "name": "main", "revision": "v1", "split": "train"}, "hf:o/n@v1/main:train", []),
        ({"path": "json", "data_files": "data/a.jsonl", "split": "train"}, "data/a.jsonl", []),
        ({"path": "./data", "data_files": ["a.jsonl"], "ds_type": "json"}, "data/a.jsonl", []),
        (
            {"path": "o/n", "data_files": ["a.jsonl"]},
            "hf:o/n",
            ["data_files: [a.jsonl]: the converter has no such option"],
        ),
    ],
)
def test_a_data_sets_place_is_a_file_or_a_name_on_the_hub(entry: dict[str, Any], source: str, notes: list[str]) -> None:
    draft = import_axolotl({"datasets": [entry]}, "d")
    assert draft.recipe["data"]["source"] == source
    assert draft.notes == [f"datasets[0].{note}" for note in notes]


def test_the_usual_names_of_fields_and_speakers_need_no_line() -> None:
    entry = {
        "path": "a.jsonl",
        "type": "alpaca:chat",
        "message_field_role": "from",
        "message_field_content": "text",
        "roles": {"user": ["human"], "assistant": ["gpt", "bot"]},
        "drop_system_message": True,
        "max_completion_length": None,
    }
    draft = import_axolotl({"datasets": [entry]}, "d")
    assert draft.recipe["model"]["system"] == "drop"
    assert draft.notes == [
        "datasets[0].message_field_content: text: turns are read by their usual names",
        "datasets[0].roles.assistant: [gpt, bot]: speakers are read by their usual names",
    ]


def test_fields_that_are_named_one_by_one_become_columns() -> None:
    kind = {"field_instruction": "asked", "field_output": "said", "format": "Q {instruction}"}
    draft = import_axolotl({"datasets": [{"path": "a.csv", "type": kind}]}, "d")
    assert draft.recipe["data"]["options"] == {"columns": {"user": "asked", "assistant": "said"}}
    assert draft.notes == [
        "datasets[0].type.format: Q {instruction}: data.options.columns names a question and its answer"
    ]


def test_a_value_of_several_lines_stays_in_its_comment() -> None:
    draft = import_axolotl({"datasets": [{"path": "a.jsonl", "step_separator": "\n\n"}], "odd\nkey": 1}, "d")
    assert parse(draft.format(), "x").data == draft.recipe


def test_a_pattern_of_modules_is_named_and_the_usual_ones_are_trained() -> None:
    given = {**CHAT, "lora_target_linear": None, "lora_target_modules": "model.layers.[0-9].(q|k)_proj"}
    draft = import_axolotl(given, "d")
    assert "target_modules" not in draft.recipe["lora"]
    assert any(note.startswith("lora_target_modules: model.layers.[0-9].(q|k)_proj: ") for note in draft.notes)


def test_eight_bits_that_are_off_beside_four_need_no_line() -> None:
    assert not any("load_in" in note for note in import_axolotl({**CHAT, "load_in_8bit": False}, "d").notes)


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        (
            {"lr_scheduler": "constant", "warmup_ratio": 0.1},
            ["warmup_ratio: 0.1: a constant learning rate has no warm-up"],
        ),
        (
            {"warmup_ratio": None, "warmup_steps": 5, "max_steps": 5},
            ["warmup_steps: 5: training.warmup_ratio is a share of all steps, which make plan counts"],
        ),
        ({"val_set_size": 0, "eval_steps": 50}, ["eval_steps: 50: no rows are held out for validation"]),
        ({"save_strategy": "no"}, ["save_strategy: 'no': training.save_steps decides; not set, it is once an epoch"]),
        ({"save_strategy": "steps", "save_steps": 50, "eval_strategy": "epoch"}, []),
        (
            {"rl": "orpo", "rl_beta": 0.3},
            ["preference.beta: 0.3: beta under preference has no effect with training.method: orpo"],
        ),
        (
            {"rl": "kto", "micro_batch_size": 1},
            ["training.batch_size: 1: kto compares the answers of a batch, which has two or more"],
        ),
        (
            {"sample_packing": True, "group_by_length": True},
            [
                "training.group_by_length: true: group_by_length under training has no effect with "
                "training.packing: true"
            ],
        ),
    ],
)
def test_what_has_no_effect_in_a_recipe_is_left_out_with_a_line(changes: dict[str, Any], notes: list[str]) -> None:
    before = import_axolotl(CHAT, "d").notes
    draft = import_axolotl({**CHAT, **changes}, "d")
    make_sound(draft, PROJECT / "recipes" / "x.yaml", Path("x.yml"))
    assert [note for note in draft.notes if note not in before] == notes
    recipe, faults = read_recipe(draft.recipe)
    assert recipe and not faults


def test_a_configuration_that_no_recipe_can_hold_is_refused() -> None:
    draft = import_axolotl({**CHAT, "num_epochs": -1}, "d")
    with pytest.raises(UserError, match=r"^x\.yml: as a recipe, training\.epochs: -1 is not a number"):
        make_sound(draft, PROJECT / "recipes" / "x.yaml", Path("x.yml"))


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
