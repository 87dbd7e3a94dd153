"""A configuration of Axolotl to a recipe.

    base_model: Qwen/Qwen2.5-0.5B-Instruct        model: {base: Qwen/Qwen2.5-0.5B-Instruct}
    adapter: lora                                 lora: {r: 16, alpha: 32, dropout: 0.0}
    lora_r: 16
    datasets: [{path: data/chats.jsonl, …}]       data: {source: data/chats.jsonl, converter: chat, …}

Keys that Axolotl knows and recipes do not stand under `axolotl`, where they act as before. A key that is absent has
Axolotl's own default in the recipe.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from recipebook.importing.draft import (
    ATTENTION,
    PLACE,
    Draft,
    set_held_out,
    set_precision,
    set_quantize,
    set_scheduler,
    set_steps,
    set_strategy,
    set_warmup,
)
from recipebook.recipe.axolotl_keys import RECIPE_KEYS, RUNNER_KEYS, find_config_faults, find_section_faults
from recipebook.recipe.schema_walk import Fault

METHODS = ("dpo", "ipo", "kto", "orpo", "simpo")
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
    "lora_model_dir", "lora_r", "lora_target_linear", "lora_target_modules", "lr_scheduler", "rl", "save_steps",
    "train_on_inputs", "val_set_size", "warmup_ratio", "warmup_steps",
}  # fmt: skip
# As datasets of chats are written; converters read these by themselves.
LISTS = ("messages", "conversations")
ROLES = {"role": ("role", "from"), "content": ("content", "value")}


def find_misfits(given: Mapping[str, Any]) -> list[Fault]:
    """The values that Axolotl itself would refuse, of the keys that have a name in recipes."""
    read = {*RECIPE_KEYS, *RUNNER_KEYS, *SPECIAL}
    return [one for one in find_config_faults(dict(given)) if one.path[0] in read and not one.unknown_key]


def import_axolotl(given: Mapping[str, Any], description: str) -> Draft:
    """The recipe, and what of the configuration has no counterpart."""
    draft = Draft(given, description)
    draft.move("base_model", "model.base")
    _set_template(draft)
    method = _set_method(draft)
    _set_data(draft, method)
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
    method = str(draft.left.get("rl") or "sft")
    if method in METHODS:
        draft.move("rl", "training.method")
        return method
    draft.note_if_given("rl", f"training.method has {', '.join(METHODS)}; without rl it is sft")
    return "sft"


def _set_data(draft: Draft, method: str) -> None:
    first, *others = draft.take("datasets") or [{}]
    draft.set("data.source", _name_source(draft, first, "datasets[0]"))
    draft.set("data.converter", "auto" if method == "sft" else "preference")
    for number, other in enumerate(others, 1):
        draft.note(f"datasets[{number}]", "a recipe has one source: put the files into one folder", other)
    held_out, *more = draft.take("test_datasets") or [None]
    if held_out:
        draft.set("data.validation", _name_source(draft, held_out, "test_datasets[0]"))
    for number, other in enumerate(more, 1):
        draft.note(f"test_datasets[{number}]", "data.validation names one source", other)
    set_held_out(draft, "val_set_size", has_own=bool(held_out))
    _set_form(draft, first, method)


def _name_source(draft: Draft, entry: Mapping[str, Any], label: str) -> str:
    """A file's path, or `hf:owner/name/config:split`."""
    path, split, config = str(entry.get("path", "FILE")), entry.get("split"), entry.get("name")
    if PurePath(path).suffix:
        if config:
            draft.note(f"{label}.name", "a file has no configurations", config)
        return path
    return f"hf:{path}{f'/{config}' if config else ''}{f':{split}' if split else ''}"


def _set_form(draft: Draft, entry: Mapping[str, Any], method: str) -> None:
    """How records are read: what the converter finds by itself needs no key."""
    rest = {key: value for key, value in entry.items() if key not in ("path", "split", "name", "ds_type")}
    form = str(rest.pop("type", "")).partition(".")[0]
    field = rest.pop("field_messages", None)
    if field and field not in LISTS and method == "sft":
        draft.set("data.options.columns.messages", field)
    for key, name in (rest.pop("message_property_mappings", None) or {}).items():
        if name not in ROLES.get(key, ()):
            draft.note(f"datasets[0].message_property_mappings.{key}", "turns are read by their usual names", name)
    for key in ("field_chosen", "field_rejected"):
        if rest.get(key) == key.removeprefix("field_"):
            rest.pop(key)
    roles = rest.pop("roles_to_train", ["assistant"])
    if draft.take("train_on_inputs") or (roles and set(roles) - {"assistant", "gpt"}):
        draft.set("training.train_on", "all")
    if form == "completion":
        draft.set("training.method", "pretrain")
    elif form not in ("chat_template", "alpaca", "sharegpt", ""):
        draft.note("datasets[0].type", "docs/data.md has a converter for each kind of record", entry["type"])
    for key, value in rest.items():
        draft.note(f"datasets[0].{key}", "the converter has no such option", value)


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
    for key in ("evals_per_epoch", "saves_per_epoch"):
        steps = f"training.{key[:4]}_steps"
        draft.note_if_given(
            key, f"{steps} is a number of steps; not set, it is once an epoch", lambda value: value == 1
        )
    training = draft.recipe["training"]
    if {"eval_steps", "save_steps"} <= training.keys():
        draft.move("early_stopping_patience", "training.early_stopping")
    draft.note_if_given(
        "early_stopping_patience", "training.early_stopping needs eval_steps and save_steps; set all three"
    )


def _set_lora(draft: Draft) -> None:
    adapter = draft.take("adapter")
    bits = "4bit" if draft.take("load_in_4bit") else "8bit" if draft.take("load_in_8bit") else None
    if adapter not in ("lora", "qlora"):
        if adapter:
            draft.note("adapter", "adapters are lora or qlora", adapter)
        for key in ("lora_r", "lora_alpha", "lora_dropout", "lora_target_modules", "lora_target_linear"):
            draft.note_if_given(key, "without adapter: lora all weights are trained")
        return
    draft.move("lora_r", "lora.r", 8)
    draft.move("lora_alpha", "lora.alpha", 16)
    draft.move("lora_dropout", "lora.dropout", 0.0)
    if draft.take("lora_target_linear"):
        draft.set("lora.target_modules", "all-linear")
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
