"""Keys of other tools (transformers, TRL, PEFT, LLaMA-Factory) in; the recipe's own key for the same thing out.

    training: {lr: 1e-4}     recipes/x.yaml:9:13: unknown key 'lr' under training; write training.learning_rate

Axolotl's names are in axolotl_keys.py, which is where they are refused under `axolotl`.
"""

from collections.abc import Mapping
from types import MappingProxyType

OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "bits": "lora.quantize",
        "cutoff_len": "training.max_length",
        "dataset": "data.source",
        "dataset_name": "data.source",
        "dataset_path": "data.source",
        "finetuning_type": "lora",
        "lora_rank": "lora.r",
        "lora_target": "lora.target_modules",
        "lr": "training.learning_rate",
        "lr_scheduler_type": "training.scheduler",
        "max_seq_len": "training.max_length",
        "max_seq_length": "training.max_length",
        "model_name": "model.base",
        "model_name_or_path": "model.base",
        "n_epochs": "training.epochs",
        "num_train_epochs": "training.epochs",
        "optim": "training.optimizer",
        "peft": "lora",
        "per_device_train_batch_size": "training.batch_size",
        "pref_beta": "preference.beta",
        "pref_loss": "preference.loss",
        "quantization_bit": "lora.quantize",
        "rank": "lora.r",
        "seq_len": "training.max_length",
        "seq_length": "training.max_length",
        "template": "model.chat_template",
        "test_size": "data.split.test",
        "train_batch_size": "training.batch_size",
        "train_file": "data.source",
        "val_size": "data.split.validation",
        "validation_file": "data.validation",
        "validation_split_percentage": "data.split.validation",
        "warmup": "training.warmup_ratio",
    }
)
