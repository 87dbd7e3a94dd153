"""A recipe's `axolotl:` section in; the keys and values that Axolotl does not know out, with their places.

    axolotl:
      lora_alhpa: 99     recipes/x.yaml:12:3: unknown key 'lora_alhpa' under axolotl; ...

Axolotl itself silently drops an unknown key. The schema is a snapshot, so that checking stays light;
`make schemas` takes it again from the installed Axolotl (trainer/axolotl_snapshot.py).
"""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from recipebook.recipe.places import KeyPath
from recipebook.recipe.schema_walk import Fault, Schema, find_faults

SNAPSHOT = Path(__file__).with_name("axolotl_schema.json")

# Keys that the runner sets: a recipe that set them would break the run's folder.
RUNNER_KEYS = {
    "auto_resume_from_checkpoints",
    "chat_template",
    "chat_template_jinja",
    "dataset_prepared_path",
    "datasets",
    "deepspeed",
    "output_dir",
    "resume_from_checkpoint",
    "test_datasets",
}

# Keys that have another name in recipes: one fact has one place.
RECIPE_KEYS = {
    "adapter": "lora",
    "base_model": "model.base",
    "bf16": "training.precision",
    "bfloat16": "training.precision",
    "chunked_cross_entropy": "training.chunked_loss",
    "dataloader_num_workers": "training.workers",
    "dataloader_pin_memory": "training.pin_memory",
    "ddp_timeout": "launch.timeout",
    "dpo_label_smoothing": "preference.label_smoothing",
    "dpo_loss_type": "preference.loss",
    "eval_steps": "training.eval_steps",
    "excess_length_strategy": "training.too_long",
    "float16": "training.precision",
    "fp16": "training.precision",
    "fsdp": "launch.strategy",
    "fsdp_config": "launch.strategy",
    "fsdp_version": "launch.strategy",
    "gradient_accumulation_steps": "training.gradient_accumulation",
    "gradient_checkpointing": "training.gradient_checkpointing",
    "group_by_length": "training.group_by_length",
    "kto_desirable_weight": "preference.desirable_weight",
    "kto_undesirable_weight": "preference.undesirable_weight",
    "learning_rate": "training.learning_rate",
    "load_in_4bit": "lora.quantize",
    "load_in_8bit": "lora.quantize",
    "logging_steps": "training.logging_steps",
    "lora_alpha": "lora.alpha",
    "lora_dropout": "lora.dropout",
    "lora_model_dir": "model.adapter",
    "lora_r": "lora.r",
    "lora_target_linear": "lora.target_modules",
    "lora_target_modules": "lora.target_modules",
    "lr_scheduler": "training.scheduler",
    "max_grad_norm": "training.max_grad_norm",
    "max_steps": "training.max_steps",
    "micro_batch_size": "training.batch_size",
    "num_epochs": "training.epochs",
    "optimizer": "training.optimizer",
    "orpo_alpha": "preference.odds_weight",
    "precompute_ref_log_probs": "preference.precompute_reference",
    "revision_of_model": "model.revision",
    "rl": "training.method",
    "rl_beta": "preference.beta",
    "sample_packing": "training.packing",
    "save_steps": "training.save_steps",
    "save_total_limit": "training.keep_checkpoints",
    "seed": "training.seed",
    "sequence_len": "training.max_length",
    "simpo_gamma": "preference.gamma",
    "tf32": "training.tf32",
    "train_on_inputs": "training.train_on",
    "val_set_size": "data.split.validation",
    "warmup_ratio": "training.warmup_ratio",
    "weight_decay": "training.weight_decay",
}


def find_section_faults(section: dict[str, Any], path: KeyPath = ("axolotl",)) -> list[Fault]:
    """What is wrong with a recipe's `axolotl:` section, which stands at `path`; refused keys first."""
    refused = {key: _refuse(key) for key in section if key in RUNNER_KEYS or key in RECIPE_KEYS}
    rest = {key: value for key, value in section.items() if key not in refused}
    return [Fault((*path, key), True, text) for key, text in refused.items()] + _find_faults(rest, path)


def rendered_key_errors(config: dict[str, Any]) -> list[str]:
    """What is wrong with the keys and values of a whole Axolotl YAML, one line each."""
    return [fault.text for fault in find_config_faults(config)]


def find_config_faults(config: dict[str, Any]) -> list[Fault]:
    """The same with their places in the configuration."""
    return _find_faults(config, ())


def known_keys() -> frozenset[str]:
    """Every key at the top of an Axolotl YAML, without those of plugins."""
    return frozenset(snapshot()["properties"])


@functools.cache
def snapshot() -> Schema:
    """The schema of Axolotl's YAML as it was taken: `axolotl` (version), `properties`, `$defs`, `plugins`, and the
    names of all `optimizers`."""
    schema: Schema = json.loads(SNAPSHOT.read_bytes())
    return schema


def _refuse(key: str) -> str:
    if key in RECIPE_KEYS:
        return f"axolotl.{key} has a name of its own in recipes: write {RECIPE_KEYS[key]} instead"
    return f"axolotl.{key} is set by the runner"


def _find_faults(config: dict[str, Any], path: KeyPath) -> list[Fault]:
    schema = snapshot()
    plugins: dict[str, Schema] = schema["plugins"]
    properties = dict(schema["properties"])
    for plugin in _list_plugins(config, plugins):
        properties |= plugins[plugin]
    faults = find_faults(config, {"type": "object", "properties": properties}, schema["$defs"], path)
    top = len(path) + 1
    return [_explain(fault, plugins) if len(fault.path) == top and fault.unknown_key else fault for fault in faults]


def _list_plugins(config: dict[str, Any], plugins: dict[str, Schema]) -> list[str]:
    """The plugins that a config lists, by class: Axolotl takes them from either of their modules."""
    listed = config.get("plugins")
    classes = {str(name).rpartition(".")[2] for name in listed} if isinstance(listed, list) else set()
    return [plugin for plugin in plugins if plugin.rpartition(".")[2] in classes]


def _explain(fault: Fault, plugins: dict[str, Schema]) -> Fault:
    """Name the plugin that an unknown key belongs to, or the recipe's key that was meant."""
    text, _, hint = fault.text.partition(";")
    for plugin, keys in plugins.items():
        if fault.unknown_key in keys:
            return replace(fault, text=f"{text}; it belongs to a plugin: add {plugin} to plugins")
    for key, own in RECIPE_KEYS.items():
        # In a rendered config, where nothing stands above a key, Axolotl's own name was meant.
        if len(fault.path) > 1 and f"'{key}'" in hint:
            return replace(fault, text=f"{text}; did you mean {own}, the recipe's own key?")
    return fault
