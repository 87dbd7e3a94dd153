"""The files of an adapter's folder, as PEFT names them, for those who cannot wait for torch."""

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
