"""A configuration of LLaMA-Factory to a recipe, with the dataset's entry in dataset_info.json.

    model_name_or_path: Qwen/Qwen2.5-0.5B-Instruct   model: {base: Qwen/Qwen2.5-0.5B-Instruct}
    stage: dpo                                       training: {method: dpo, epochs: 2, …}
    dataset: pairs                                   data: {source: data/pairs.json, converter: preference, …}

A key that is absent has LLaMA-Factory's own default in the recipe.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
from recipebook.importing.llama_factory_data import set_data
from recipebook.recipe.schema_walk import Fault, Schema, find_faults
from recipebook.suggestions import quote

STAGES = ("sft", "dpo", "kto")
KINDS = ("lora", "full")
# The recipe's method and loss for a value of pref_loss.
LOSSES = {"sigmoid": ("dpo", None), "hinge": ("dpo", "hinge"), "ipo": ("ipo", None), "orpo": ("orpo", None),
          "simpo": ("simpo", None)}  # fmt: skip
BETAS = ("dpo", "ipo", "kto", "simpo")
PLAIN = {
    "per_device_train_batch_size": ("training.batch_size", 8),
    "gradient_accumulation_steps": ("training.gradient_accumulation", 1),
    "learning_rate": ("training.learning_rate", 5e-5),
    "num_train_epochs": ("training.epochs", 3),
    "weight_decay": ("training.weight_decay", 0.0),
    "max_grad_norm": ("training.max_grad_norm", 1.0),
    "optim": ("training.optimizer", "adamw_torch"),
    "cutoff_len": ("training.max_length", 2048),
    "seed": ("training.seed", 42),
    "logging_steps": ("training.logging_steps", None),
    "save_total_limit": ("training.keep_checkpoints", None),
    "group_by_length": ("training.group_by_length", None),
    "kto_chosen_weight": ("preference.desirable_weight", None),
    "kto_rejected_weight": ("preference.undesirable_weight", None),
    "simpo_gamma": ("preference.gamma", None),
    "dataloader_num_workers": ("training.workers", None),
    "dataloader_pin_memory": ("training.pin_memory", None),
    "ddp_timeout": ("launch.timeout", None),
    "trust_remote_code": ("axolotl.trust_remote_code", None),
    "loraplus_lr_ratio": ("axolotl.loraplus_lr_ratio", None),
    "neftune_noise_alpha": ("axolotl.neftune_noise_alpha", None),
}
# Values that change nothing here.
HARMLESS = {"do_train": True, "report_to": "none", "flash_attn": "auto"}
NO_NEED = {
    "do_train": "make train trains, whatever it says",
    "do_eval": "validation rows are evaluated while there are any",
    "overwrite_output_dir": "each run has a folder of its own",
    "overwrite_cache": "rows are known by their content",
    "plot_loss": "the report draws the loss",
    "report_to": "set the tracker under axolotl, such as wandb_project",
    "max_samples": "all records are used; name a smaller source, or set training.max_steps",
    "flash_attn": ATTENTION,
    "output_dir": PLACE,
    "dataset_dir": "paths in a recipe are whole",
    "preprocessing_num_workers": "the number of processes follows from the rows",
    "eval_strategy": "not set, training.eval_steps is once an epoch",
    "per_device_eval_batch_size": "validation takes training.batch_size",
}
# What the values of the keys that are read here must be: LLaMA-Factory would refuse others.
TYPES = {
    "string": ("adapter_name_or_path", "dataset_dir", "finetuning_type", "lr_scheduler_type", "model_name_or_path",
               "optim", "pref_loss", "stage", "template"),
    "integer": ("cutoff_len", "dataloader_num_workers", "ddp_timeout", "gradient_accumulation_steps", "lora_alpha",
                "lora_rank", "max_steps", "per_device_train_batch_size", "quantization_bit", "save_total_limit",
                "seed", "warmup_steps"),
    "number": ("eval_steps", "kto_chosen_weight", "kto_rejected_weight", "learning_rate", "logging_steps",
               "lora_dropout", "loraplus_lr_ratio", "max_grad_norm", "neftune_noise_alpha", "num_train_epochs",
               "pref_beta", "save_steps", "simpo_gamma", "val_size", "warmup_ratio", "weight_decay"),
    "boolean": ("bf16", "dataloader_pin_memory", "disable_gradient_checkpointing", "fp16", "gradient_checkpointing",
                "group_by_length", "packing", "pure_bf16", "train_on_prompt", "trust_remote_code"),
}  # fmt: skip
NAMES: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
CONFIGURATION: Schema = {
    "type": "object",
    "additionalProperties": {},
    "properties": {key: {"anyOf": [{"type": kind}, {"type": "null"}]} for kind, keys in TYPES.items() for key in keys}
    | {"dataset": NAMES, "lora_target": NAMES},
}


def find_misfits(given: Mapping[str, Any]) -> list[Fault]:
    """The values of another type than LLaMA-Factory has, of the keys that have a name in recipes."""
    there = {key: value for key, value in given.items() if value is not None}
    return find_faults(there, CONFIGURATION, {}) or list(_find_other_trainings(there))


def _find_other_trainings(given: Mapping[str, Any]) -> Iterator[Fault]:
    """What no recipe does; a configuration for a chat, an export or a prediction has no data to train on."""
    if (stage := given.get("stage", "sft")) not in STAGES:
        yield Fault(("stage",), False, f"stage: {quote(stage)}: recipes have {', '.join(STAGES)}; no texts, no rewards")
    if (kind := given.get("finetuning_type", "lora")) not in KINDS:
        yield Fault(("finetuning_type",), False, f"finetuning_type: {quote(kind)}: recipes have {' and '.join(KINDS)}")
    if not given.get("dataset"):
        yield Fault((), True, "no 'dataset', from which a recipe has its data")


def import_llama_factory(given: Mapping[str, Any], description: str, beside: Path) -> Draft:
    """The recipe, and what has no counterpart; `beside` is the folder of the configuration."""
    draft = Draft(given, description)
    draft.move("model_name_or_path", "model.base")
    template = draft.take("template", "default")
    draft.set("model.chat_template", "chatml" if template == "chatml" else "tokenizer")
    if template not in ("chatml", "default"):
        draft.note("template", "the base's own is used; put another into templates/chat/ and name it", template)
    method = _set_method(draft)
    set_data(draft, method, beside)
    for key, (path, default) in PLAIN.items():
        draft.move(key, path, default)
    draft.set("training.too_long", "truncate")
    _set_training(draft, method)
    _set_lora(draft)
    set_strategy(draft)
    for key, why in NO_NEED.items():
        draft.note_if_given(key, why, (False, HARMLESS.get(key)))
    for key in [key for key, value in draft.left.items() if value is False]:
        # What is not switched on.
        draft.take(key)
    draft.note_rest("recipes have no such key")
    return draft


def _set_method(draft: Draft) -> str:
    method, loss, kind = str(draft.take("stage", "sft")), draft.left.get("pref_loss", "sigmoid"), None
    if method == "dpo":
        if loss in LOSSES:
            method, kind = LOSSES[str(draft.take("pref_loss", loss))]
        draft.note_if_given("pref_loss", f"the losses of pairs are {', '.join(LOSSES)}")
    draft.set("training.method", method)
    if kind:
        draft.set("preference.loss", kind)
    if method == "orpo":
        draft.move("pref_beta", "preference.odds_weight", 0.1)
    elif method in BETAS:
        draft.move("pref_beta", "preference.beta", 0.1)
    return method


def _set_training(draft: Draft, method: str) -> None:
    set_precision(draft, ("bf16", "pure_bf16"), ("fp16",))
    set_scheduler(draft, "lr_scheduler_type", "linear")
    set_warmup(draft, 0.0)
    draft.set("training.gradient_checkpointing", bool(draft.take("gradient_checkpointing", True)))
    if draft.take("disable_gradient_checkpointing"):
        draft.set("training.gradient_checkpointing", False)
    if draft.left.get("max_steps", 0) > 0:
        draft.move("max_steps", "training.max_steps")
        draft.drop_epochs()
    if draft.take("packing") and method == "sft":
        draft.set("training.packing", True)
    if draft.left.get("eval_strategy") == "steps" and draft.left.get("eval_steps"):
        draft.take("eval_strategy")
    for key in ("eval_steps", "save_steps"):
        set_steps(draft, key)
    if draft.take("train_on_prompt"):
        draft.set("training.train_on", "all")


def _set_lora(draft: Draft) -> None:
    kind, bits = draft.take("finetuning_type", "lora"), draft.take("quantization_bit")
    if kind != "lora":
        return
    draft.move("adapter_name_or_path", "model.adapter")
    rank = draft.take("lora_rank", 8)
    draft.set("lora.r", rank)
    draft.move("lora_alpha", "lora.alpha", 2 * rank)
    draft.move("lora_dropout", "lora.dropout", 0.0)
    target = draft.take("lora_target", "all")
    names = [name.strip() for name in target.split(",")] if isinstance(target, str) else target
    draft.set("lora.target_modules", "all-linear" if target == "all" else names)
    if bits in (4, 8):
        set_quantize(draft, f"{bits}bit")
    elif bits:
        draft.note("quantization_bit", "lora.quantize is 4bit or 8bit", bits)
