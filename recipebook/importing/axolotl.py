"""A configuration of Axolotl to a recipe.

    base_model: Qwen/Qwen2.5-0.5B-Instruct        model: {base: Qwen/Qwen2.5-0.5B-Instruct}
    adapter: lora                                 lora: {r: 16, alpha: 32, dropout: 0.0}
    lora_r: 16
    datasets: [{path: data/chats.jsonl, …}]       data: {source: data/chats.jsonl, converter: chat, …}

Keys that Axolotl knows and recipes do not stand under `axolotl`, where they act as before. A key that is absent has
Axolotl's own default in the recipe.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from recipebook.importing.axolotl_data import find_unread, set_data
from recipebook.importing.draft import (
    ATTENTION,
    PLACE,
    Draft,
    set_precision,
    set_quantize,
    set_scheduler,
    set_steps,
    set_strategy,
    set_warmup,
)
from recipebook.recipe.axolotl_keys import RECIPE_KEYS, RUNNER_KEYS, find_config_faults, find_section_faults
from recipebook.recipe.schema_walk import Fault
from recipebook.suggestions import quote

METHODS = ("dpo", "ipo", "kto", "orpo", "simpo")
ADAPTERS = ("lora", "qlora")
# Where a key is absent, Axolotl trains by these.
DEFAULTS = {
    "num_epochs": 1,
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "sequence_len": 512,
    "excess_length_strategy": "drop",
    "optimizer": "adamw_torch_fused",
    "weight_decay": 0.0,
}
SPECIAL = {
    "adapter", "bf16", "bfloat16", "early_stopping_patience", "eval_steps", "float16", "fp16", "fsdp", "fsdp_config",
    "fsdp_version", "gradient_checkpointing", "load_in_4bit", "load_in_8bit", "lora_alpha", "lora_dropout",
    "lora_model_dir", "lora_r", "lora_target_linear", "lora_target_modules", "lr_scheduler", "pretraining_dataset",
    "rl", "save_steps", "train_on_inputs", "val_set_size", "warmup_ratio", "warmup_steps",
}  # fmt: skip
# Plugins that replace the training by another.
OTHER_TRAINERS = ("DiffusionPlugin", "HatcheryPlugin", "KDPlugin", "NemoGymPlugin")
REWARDS = ("reward_model", "process_reward_model")
STRATEGIES = {"save_strategy": "save_steps", "eval_strategy": "eval_steps", "evaluation_strategy": "eval_steps"}


def find_misfits(given: Mapping[str, Any]) -> list[Fault]:
    """The values that Axolotl itself would refuse, of the keys that have a name in recipes, and what no recipe does."""
    read, there = {*RECIPE_KEYS, *RUNNER_KEYS, *SPECIAL}, {key: one for key, one in given.items() if one is not None}
    faults = [one for one in find_config_faults(there) if one.path[0] in read and not one.unknown_key]
    return faults or [*_find_other_trainings(there), *find_unread(there)]


def _find_other_trainings(given: Mapping[str, Any]) -> Iterator[Fault]:
    if (method := given.get("rl", "dpo")) not in METHODS:
        yield Fault(("rl",), False, f"rl: {method}: recipes have {', '.join(METHODS)}, and grpo on shell tasks alone")
    for key in REWARDS:
        if given.get(key):
            yield Fault((key,), True, f"{key}: no recipe trains a model of rewards")
    if "processor_type" in given:
        yield Fault(("processor_type",), True, "processor_type: recipes train on text, not on pictures or sound")
    if (adapter := given.get("adapter", "lora")) not in ADAPTERS:
        yield Fault(("adapter",), False, f"adapter: {quote(adapter)}: recipes have {' and '.join(ADAPTERS)}")
    for at, plugin in enumerate(given.get("plugins") or ()):
        if str(plugin).rpartition(".")[2] in OTHER_TRAINERS:
            yield Fault(("plugins", at), False, f"plugins: {plugin}: it trains in another way than recipes do")


def import_axolotl(given: Mapping[str, Any], description: str) -> Draft:
    """The recipe, and what of the configuration has no counterpart."""
    draft = Draft(given, description)
    draft.move("base_model", "model.base")
    _set_template(draft)
    method = _set_method(draft)
    set_data(draft, method)
    for key, path in RECIPE_KEYS.items():
        if key not in SPECIAL and (key in draft.left or key in DEFAULTS):
            draft.move(key, path, DEFAULTS.get(key))
    draft.drop_epochs()
    _set_training(draft)
    _set_lora(draft)
    set_strategy(draft)
    draft.note_if_given("output_dir", PLACE)
    draft.note_if_given("dataset_prepared_path", "rows are kept in .cache of the project")
    draft.note_if_given("flash_attention", ATTENTION)
    _keep_rest(draft)
    return draft


def _set_template(draft: Draft) -> None:
    name = draft.take("chat_template", "tokenizer_default")
    draft.set("model.chat_template", "chatml" if name == "chatml" else "tokenizer")
    if name not in ("chatml", "tokenizer_default"):
        draft.note("chat_template", "the base's own is used; put another into templates/chat/ and name it", name)


def _set_method(draft: Draft) -> str:
    method = str(draft.left.get("rl", "sft"))
    draft.move("rl", "training.method")
    return method


def _set_training(draft: Draft) -> None:
    set_precision(draft, ("bf16", "bfloat16"), ("fp16", "float16"))
    set_scheduler(draft, "lr_scheduler", "cosine")
    set_warmup(draft, 0.03)
    checkpointing = draft.take("gradient_checkpointing")
    if checkpointing:
        draft.set("training.gradient_checkpointing", True)
    if isinstance(checkpointing, str):
        draft.note("gradient_checkpointing", "training.gradient_checkpointing is true or false", checkpointing)
    for key in ("eval_steps", "save_steps"):
        set_steps(draft, key)
    for key, steps in STRATEGIES.items():
        # What the recipe's number of steps says, and once an epoch without one.
        said = "steps" if draft.read(f"training.{steps}") else "epoch"
        draft.note_if_given(key, f"training.{steps} decides; not set, it is once an epoch", (said,))
    for key in ("evals_per_epoch", "saves_per_epoch"):
        steps = f"training.{key[:4]}_steps"
        draft.note_if_given(key, f"{steps} is a number of steps; not set, it is once an epoch", (1,))
    training = draft.recipe["training"]
    if {"eval_steps", "save_steps"} <= training.keys():
        draft.move("early_stopping_patience", "training.early_stopping")
    draft.note_if_given(
        "early_stopping_patience", "training.early_stopping needs eval_steps and save_steps; set all three"
    )


def _set_lora(draft: Draft) -> None:
    adapter = draft.take("adapter")
    four, eight = draft.take("load_in_4bit"), draft.take("load_in_8bit")
    bits = "4bit" if four else "8bit" if eight else None
    if adapter not in ADAPTERS:
        for key in ("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear"):
            draft.note_if_given(key, "without adapter: lora all weights are trained")
        return
    draft.move("lora_r", "lora.r", 8)
    draft.move("lora_alpha", "lora.alpha", 16)
    draft.move("lora_dropout", "lora.dropout", 0.0)
    if draft.take("lora_target_linear"):
        draft.set("lora.target_modules", "all-linear")
    if isinstance(pattern := draft.left.get("lora_target_modules"), str) and pattern != "all-linear":
        draft.note("lora_target_modules", "lora.target_modules has names or all-linear; not set, q_proj and v_proj")
    draft.move("lora_target_modules", "lora.target_modules")
    if bits or adapter == "qlora":
        set_quantize(draft, bits or "4bit")
    draft.move("lora_model_dir", "model.adapter")


def _keep_rest(draft: Draft) -> None:
    """What Axolotl knows and no recipe has a name for, under `axolotl`; the rest has no counterpart."""
    kept = {key: value for key, value in draft.left.items() if key not in RUNNER_KEYS}
    while kept and (faults := find_section_faults(kept)):
        for key in {str(fault.path[1]) for fault in faults if len(fault.path) > 1}:
            kept.pop(key, None)
    for key in kept:
        draft.take(key)
    if kept:
        draft.set("axolotl", kept)
    draft.note_rest("Axolotl's schema does not have this, or the runner sets it")
