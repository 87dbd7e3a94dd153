"""The files of an adapter's folder and its settings, as PEFT names them, for those who cannot wait for torch."""

from typing import Any

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
# PEFT's names in a file: `base_model.model.` and a module, its matrix, and `.weight` unless the module is an embedding.
PREFIX = "base_model.model."
# The settings that scale B·A and leave no trace in the weights: PEFT's name, Axolotl's, and the value without it.
SCALES: tuple[tuple[str, str, Any], ...] = (
    ("lora_alpha", "lora_alpha", None),
    ("alpha_pattern", "lora_alpha_pattern", {}),
    ("use_rslora", "peft_use_rslora", False),
    ("use_dora", "peft_use_dora", False),
)
