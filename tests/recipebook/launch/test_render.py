"""A recipe and the machine to Axolotl's YAML and DeepSpeed's JSON."""

import json
from typing import Any

import pytest
import yaml

from recipebook.errors import UserError
from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.modules import PROFILE, list_names
from recipebook.project import CHAT_TEMPLATES
from recipebook.recipe.axolotl_keys import rendered_key_errors
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import list_recipes
from recipebook.recipe.resolve import resolve

INPUTS = Inputs(train="data/train.jsonl", validation="data/validation.jsonl", prepared="../../.cache/prepared/abc")
MINIMAL: dict[str, Any] = {
    "description": "d",
    "model": {"base": "some/model", "chat_template": "chatml"},
    "data": {"source": "a.json", "converter": "robot"},
}


def render(gpu: bool = False, bf16: bool = False, **sections: Any) -> dict[str, Any]:
    recipe = Recipe.model_validate({**MINIMAL, **sections})
    return dict(yaml.safe_load(render_axolotl(recipe, INPUTS, gpu=gpu, bf16=bf16)))


def test_full_fine_tuning_on_a_cpu_renders_to_these_keys() -> None:
    names = ("role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name")
    keys = {name: name for name in names}
    assert render() == {
        "base_model": "some/model",
        "chat_template": "jinja",
        "chat_template_jinja": str(CHAT_TEMPLATES / "chatml.jinja"),
        "dataset_prepared_path": "../../.cache/prepared/abc",
        "dataset_num_proc": 0,
        "sequence_len": 256,
        "excess_length_strategy": "raise",
        "sample_packing": False,
        "eval_sample_packing": False,
        "pad_to_sequence_len": False,
        "group_by_length": False,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "num_epochs": 3.0,
        "micro_batch_size": 4,
        "gradient_accumulation_steps": 1,
        "learning_rate": 1e-4,
        "lr_scheduler": "cosine",
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "optimizer": "adamw_torch",
        "gradient_checkpointing": False,
        "attn_implementation": "sdpa",
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "seed": 42,
        "output_dir": "model",
        "logging_steps": 10,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 2,
        "auto_resume_from_checkpoints": True,
        "use_tensorboard": True,
        "plugins": ["trainer.plugin.RunPlugin"],
        "train_on_inputs": False,
        "datasets": [
            {"path": "data/train.jsonl", "ds_type": "json", "type": "chat_template", "field_messages": "messages",
             "message_property_mappings": keys, "roles_to_train": ["assistant"], "train_on_eos": "turn"},
        ],
        "test_datasets": [
            {"path": "data/validation.jsonl", "ds_type": "json", "type": "chat_template", "field_messages": "messages",
             "message_property_mappings": keys, "roles_to_train": ["assistant"], "train_on_eos": "turn",
             "split": "train"},
        ],
    }  # fmt: skip


def test_pairs_render_to_direct_preference_optimisation() -> None:
    config = render(training={"method": "dpo"}, preference={"loss": "robust", "beta": 0.3, "label_smoothing": 0.2})
    files = {"train": "data/train.jsonl", "validation": "data/validation.jsonl"}
    train, validation = (
        [{"path": path, "ds_type": "json", "type": "trainer.write_pairs", "split": "train"}] for path in files.values()
    )
    of_chats = (
        "train_on_inputs",
        "sample_packing",
        "eval_sample_packing",
        "group_by_length",
        "datasets",
        "test_datasets",
    )
    assert config == {
        **{key: value for key, value in render().items() if key not in of_chats},
        "rl": "dpo", "rl_beta": 0.3, "dpo_loss_type": ["robust"], "dpo_label_smoothing": 0.2,
        "precompute_ref_log_probs": False, "datasets": train, "test_datasets": validation,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "told", "written"),
    [
        ("dpo", {}, {"rl": "dpo", "rl_beta": 0.1, "dpo_loss_type": ["sigmoid"]}),
        ("ipo", {}, {"rl": "dpo", "rl_beta": 0.1, "dpo_loss_type": ["ipo"], "precompute_ref_log_probs": False}),
        ("ipo", {"beta": 0.5, "precompute_reference": True}, {"rl_beta": 0.5, "precompute_ref_log_probs": True}),
        ("orpo", {}, {"rl": "orpo", "orpo_alpha": 0.1}),
        ("orpo", {"odds_weight": 0.25}, {"orpo_alpha": 0.25}),
        ("simpo", {}, {"rl": "simpo", "rl_beta": 2.0, "simpo_gamma": 1.0, "cpo_alpha": 0.0, "warmup_share": 0.1,
                       "plugins": ["trainer.plugin.RunPlugin", "trainer.warmup.WarmupPlugin"]}),
        ("simpo", {"beta": 2.5, "gamma": 0.0}, {"rl_beta": 2.5, "simpo_gamma": 0.0}),
        ("kto", {}, {"rl": "kto", "rl_beta": 0.1, "kto_desirable_weight": 1.0, "kto_undesirable_weight": 1.0}),
        ("kto", {"undesirable_weight": 0.75}, {"kto_undesirable_weight": 0.75}),
    ],
)  # fmt: skip
def test_each_method_of_pairs_writes_its_papers_numbers_or_the_recipes(
    method: str, told: dict[str, Any], written: dict[str, Any]
) -> None:
    config = render(training={"method": method}, preference=told)
    assert {key: config[key] for key in written} == written
    assert rendered_key_errors(config) == []


def test_only_simpo_is_warmed_up_under_another_name_and_only_kto_takes_answers_one_by_one() -> None:
    methods = {method: render(training={"method": method}) for method in ("dpo", "ipo", "orpo", "simpo", "kto")}
    assert [name for name, config in methods.items() if "warmup_ratio" not in config] == ["simpo"]
    types = {name: config["datasets"][0]["type"] for name, config in methods.items()}
    assert types == {**dict.fromkeys(methods, "trainer.write_pairs"), "kto": "trainer.write_singles"}


def test_marks_of_messages_are_read_only_where_rows_have_some() -> None:
    assert "message_field_training" not in render()["datasets"][0]
    inputs = Inputs("data/train.jsonl", "data/validation.jsonl", "prepared", masked=True)
    config = yaml.safe_load(render_axolotl(Recipe.model_validate(MINIMAL), inputs, gpu=False))
    assert [each["message_field_training"] for each in (config["datasets"][0], config["test_datasets"][0])] == [
        "train",
        "train",
    ]


def test_span_weights_bring_their_plugin_and_strategy() -> None:
    weights = {"tool": 1.0, "position": 0.8, "argument": 0.6, "fluency": 0.4}
    data = {**MINIMAL["data"], "options": {"spans": True}}
    config = render(data=data, training={"span_weights": weights})
    assert config["plugins"] == ["trainer.plugin.RunPlugin", "trainer.spans.SpansPlugin"]
    assert config["span_weights"] == weights
    assert config["remove_unused_columns"] is False
    assert {part["type"] for part in config["datasets"] + config["test_datasets"]} == {"trainer.spans"}
    assert rendered_key_errors(config) == []


def test_early_stopping_is_a_number_of_evaluations() -> None:
    config = render(training={"early_stopping": 3, "eval_steps": 10, "save_steps": 20})
    told = {key: config[key] for key in ("early_stopping_patience", "eval_strategy", "eval_steps", "save_steps")}
    assert told == {"early_stopping_patience": 3, "eval_strategy": "steps", "eval_steps": 10, "save_steps": 20}


def test_lora_keeps_axolotls_gpu_kernels_off_on_a_cpu() -> None:
    config = render(lora={"r": 8, "alpha": 16, "target_modules": ["q_proj"]})
    assert {key: config[key] for key in config if key.startswith("lora_") or key == "adapter"} == {
        "adapter": "lora", "lora_r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "lora_target_modules": ["q_proj"],
        "lora_mlp_kernel": False, "lora_qkv_kernel": False, "lora_o_kernel": False, "lora_embedding_kernel": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sections", "fused"),
    [
        ({}, True),
        ({"lora": {"quantize": "4bit"}}, True),
        ({"lora": {"quantize": "8bit"}}, False),
        ({"axolotl": {"trust_remote_code": True}}, False),
        ({"training": {"method": "dpo"}}, False),
    ],
)
def test_axolotls_kernels_are_on_where_axolotl_has_tried_them(sections: dict[str, Any], fused: bool) -> None:
    config = render(gpu=True, **{"lora": {}, **sections})
    assert {config[key] for key in config if key.endswith("_kernel")} == {fused}


def test_four_bits_make_it_a_qlora_in_bfloat16_on_a_gpu() -> None:
    config = render(gpu=True, bf16=True, lora={"quantize": "4bit", "target_modules": "all-linear"})
    assert (config["adapter"], config["load_in_4bit"], config["lora_target_linear"], config["bf16"]) == (
        "qlora", True, True, True,
    )  # fmt: skip


def test_the_recipes_own_axolotl_keys_win_and_plugins_are_added() -> None:
    config = render(axolotl={"attn_implementation": "eager", "plugins": ["a.B"], "wandb_project": "robots"})
    assert config["attn_implementation"] == "eager"
    assert config["plugins"] == ["trainer.plugin.RunPlugin", "a.B"]
    assert config["wandb_project"] == "robots"


def test_small_learning_rates_stay_numbers() -> None:
    assert render(training={"learning_rate": 2e-05})["learning_rate"] == 0.00002


def test_no_validation_rows_mean_no_evaluation_while_training() -> None:
    recipe = Recipe.model_validate(MINIMAL)
    config = yaml.safe_load(render_axolotl(recipe, Inputs("data/train.jsonl", None, "p"), gpu=False))
    assert config["eval_strategy"] == "no"
    assert "test_datasets" not in config


@pytest.mark.parametrize(("strategy", "stage"), [("zero1", 1), ("zero2", 2), ("zero3", 3)])
def test_deepspeed_strategies_render_their_stage(strategy: str, stage: int) -> None:
    recipe = Recipe.model_validate({**MINIMAL, "launch": {"processes": 2, "strategy": strategy}})
    rendered = render_deepspeed(recipe, gpu=False)
    assert rendered
    config = json.loads(rendered)
    assert config["zero_optimization"]["stage"] == stage
    assert config["bf16"] == {"enabled": False}
    assert yaml.safe_load(render_axolotl(recipe, INPUTS, gpu=False))["deepspeed"] == "deepspeed.json"


@pytest.mark.parametrize(
    ("strategy", "offload", "waiting"),
    [
        ("zero2", None, []),
        ("zero2", "optimizer", ["offload_optimizer"]),
        ("zero3", "optimizer", ["offload_optimizer"]),
        ("zero3", "weights", ["offload_optimizer", "offload_param"]),
    ],
)
def test_deepspeed_keeps_in_main_memory_what_the_recipe_names(
    strategy: str, offload: str | None, waiting: list[str]
) -> None:
    recipe = Recipe.model_validate({**MINIMAL, "launch": {"strategy": strategy, "offload": offload}})
    shared = json.loads(render_deepspeed(recipe, gpu=True) or "")["zero_optimization"]
    assert [key for key in shared if key.startswith("offload")] == waiting
    assert all(shared[key] == {"device": "cpu", "pin_memory": True} for key in waiting)


def test_data_parallel_needs_no_deepspeed() -> None:
    assert render_deepspeed(Recipe.model_validate(MINIMAL), gpu=True) is None


@pytest.mark.parametrize(
    ("precision", "gpu", "has_bf16", "bf16", "fp16"),
    [
        ("auto", True, False, False, True),
        ("auto", True, True, True, False),
        ("auto", False, True, True, False),
        ("auto", False, False, False, False),
        ("bf16", False, False, True, False),
        ("fp32", True, True, False, False),
        ("fp16", False, True, False, True),
    ],
)
def test_precision_auto_is_bf16_where_a_gpu_or_the_processor_computes_in_it(
    precision: str, gpu: bool, has_bf16: bool, bf16: bool, fp16: bool
) -> None:
    config = render(gpu, has_bf16, lora={}, training={"precision": precision})
    assert (config["bf16"], config["fp16"]) == (bf16, fp16)


def test_precision_auto_is_fp32_where_deepspeed_trains_on_a_processor() -> None:
    recipe = Recipe.model_validate({**MINIMAL, "launch": {"processes": 2, "strategy": "zero2"}})
    assert yaml.safe_load(render_axolotl(recipe, INPUTS, gpu=False, bf16=True))["bf16"] is False


@pytest.mark.parametrize("gpu", [True, False])
@pytest.mark.parametrize("profile", list_names(PROFILE))
@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_renders_to_keys_that_axolotl_knows(name: str, profile: str, gpu: bool) -> None:
    config = yaml.safe_load(render_axolotl(resolve(name, profile).recipe, INPUTS, gpu=gpu))
    assert rendered_key_errors(config) == []


def test_a_template_with_a_key_unknown_to_axolotl_is_refused() -> None:
    recipe = Recipe.model_validate(MINIMAL).model_copy(update={"axolotl": {"lora_alhpa": 99}})
    with pytest.raises(UserError, match="lora_alhpa"):
        render_axolotl(recipe, INPUTS, gpu=False)
