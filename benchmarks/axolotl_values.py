"""For each key of Axolotl's configuration another value than a LoRA SFT run's own, and what it may need beside it.

    choose_value("lora_r", {"type": "integer"}, 32) → 35

Most values follow from the key's type; those of `VALUES` are names, paths and objects that must fit Axolotl.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

VALUES: dict[str, Any] = {
    "accelerator_config": {"split_batches": True},
    "adapter": "qlora",
    "added_tokens_overrides": {"3": "<three>"},
    "attn_implementation": "eager",
    "base_model": "models/tiny-seed",
    "base_model_config": "models/tiny-seed",
    "bf16": True,
    "chat_template": "llama3",
    "chat_template_jinja": "{% for m in messages %}{{ m['content'] }}{{ eos_token }}{% endfor %}",
    "chat_template_kwargs": {"title": "x"},
    "cls_model_config": "LlamaConfig",
    "datasets": [{"path": "validation.jsonl", "ds_type": "json", "type": "chat_template", "split": "train"}],
    "default_system_message": "Be brief.",
    "device": "cpu",
    "device_map": "cpu",
    "dynamic_checkpoint": {"enabled": True},
    "eot_tokens": ["<|im_end|>"],
    "eval_strategy": "steps",
    "excess_length_strategy": "drop",
    "experts_implementation": "eager",
    "fix_untrained_tokens": 1,
    "gradient_checkpointing_kwargs": {"use_reentrant": True},
    "eval_causal_lm_metrics": ["chrf"],
    "hub_strategy": "end",
    "large_head_attention": "sdpa",
    "learning_rate": 0.5,
    "lora_alpha_pattern": {"q_proj": 5},
    "lora_model_dir": "models/no-adapter",
    "lora_modules_to_save": ["lm_head"],
    "lora_rank_pattern": {"q_proj": 5},
    "lora_target_modules": ["q_proj"],
    "lora_target_parameters": ["model.layers.0.mlp.up_proj.weight"],
    "lr_groups": [{"name": "q", "modules": ["q_proj"], "lr": 0.1}],
    "lr_scheduler": "linear",
    "lr_scheduler_kwargs": {"num_cycles": 2},
    "max_memory": {"cpu": "1GiB"},
    "metric_for_best_model": "eval_loss",
    "mlflow_tracking_uri": "file:mlruns",
    "model_type": "AutoModelForCausalLM",
    "optim_args": {"eps": 0.001},
    "optim_target_modules": ["q_proj"],
    "optimizer": "sgd",
    "overrides_of_model_config": {"max_position_embeddings": 64},
    "overrides_of_model_kwargs": {"use_cache": False},
    "model_config": {"max_position_embeddings": 64},
    "model_kwargs": {"use_cache": False},
    "peft": {"loftq_config": {"loftq_bits": 4}},
    "peft_init_lora_weights": "gaussian",
    "peft_layer_replication": [[0, 1]],
    "peft_layers_pattern": ["layers"],
    "peft_layers_to_transform": [0],
    "peft_trainable_token_indices": [3],
    "plugins": [],
    "push_dataset_to_hub": "nobody/rows",
    "resume_from_checkpoint": "model/checkpoint-1",
    "rope_scaling": {"rope_type": "linear", "factor": 2.0},
    "rl": "dpo",
    "role_boundaries": [{"role": "assistant", "start": "<|im_start|>assistant\n", "end": "<|im_end|>"}],
    "save_strategy": "no",
    "selective_checkpointing": True,
    "sequence_len": 100,
    "special_tokens": {"pad_token": "<|im_start|>"},
    "test_datasets": [{"path": "train.jsonl", "ds_type": "json", "type": "chat_template", "split": "train"}],
    "tokenizer_config": "models/tiny-seed",
    "tokenizer_type": "PreTrainedTokenizerFast",
    "tokens": ["<new>"],
    "torch_compile_backend": "eager",
    "torch_compile_options": {"max_autotune": True},
    "trainer_cls": "trl.SFTTrainer",
    "type_of_model": "AutoModelForCausalLM",
    "unfrozen_parameters": ["lm_head"],
    "val_set_size": 0.3,
    "warmup_steps": 3,
}

# Keys that act only beside another, and the least that they need beside them.
PARTNERS: dict[str, dict[str, Any]] = {
    "activation_offloading": {"gradient_checkpointing": True},
    "adapter": {"load_in_4bit": True},
    "adam_beta3": {"optimizer": "came_pytorch"},
    "adam_epsilon2": {"optimizer": "came_pytorch"},
    "bench_dataset": {"do_bench_eval": True, "eval_steps": 1},
    "do_bench_eval": {"eval_steps": 1},
    "early_stopping_patience": {"eval_steps": 1, "save_steps": 1},
    "chunked_cross_entropy_num_chunks": {"chunked_cross_entropy": True},
    "cosine_constant_lr_ratio": {"cosine_min_lr_ratio": 0.1},
    "dataloader_prefetch_factor": {"dataloader_num_workers": 1},
    "dataset_shard_idx": {"dataset_shard_num": 2},
    "ddp_find_unused_parameters": {"ddp": True},
    "dion_lr": {"optimizer": "dion"},
    "dion_momentum": {"optimizer": "dion"},
    "dion_rank_fraction": {"optimizer": "dion"},
    "dion_rank_multiple_of": {"optimizer": "dion"},
    "eaft_alpha": {"use_eaft": True},
    "eaft_k": {"use_eaft": True},
    "embedding_lr_scale": {"lora_modules_to_save": ["embed_tokens"]},
    "embedding_lr": {"lora_modules_to_save": ["embed_tokens"]},
    "eval_sample_packing": {"sample_packing": True},
    "gradient_checkpointing_kwargs": {"gradient_checkpointing": True},
    "greater_is_better": {"metric_for_best_model": "eval_loss"},
    "hub_revision": {"hub_model_id": "nobody/nothing"},
    "hub_strategy": {"hub_model_id": "nobody/nothing"},
    "jagged_restart_anneal_steps": {"jagged_restart_steps": 10},
    "jagged_restart_warmup_steps": {"jagged_restart_steps": 10},
    "lora_target_linear": {"lora_target_modules": ["q_proj"]},
    "lisa_layers_attribute": {"lisa_n_layers": 1, "lisa_step_interval": 1},
    "lisa_n_layers": {"lisa_step_interval": 1},
    "lisa_step_interval": {"lisa_n_layers": 1},
    "load_best_model_at_end": {"eval_steps": 1, "save_steps": 1},
    "loraplus_lr_embedding": {"loraplus_lr_ratio": 2.0},
    "loss_watchdog_patience": {"loss_watchdog_threshold": 5.0},
    "lr_scheduler_kwargs": {"lr_scheduler": "cosine_with_restarts"},
    "pretraining_dataset": {"max_steps": 2},
    "streaming": {"max_steps": 2},
    "tokens": {"lora_modules_to_save": ["embed_tokens", "lm_head"]},
    "push_dataset_to_hub": {"hf_use_auth_token": True},
    "lr_div_factor": {"lr_scheduler": "one_cycle"},
    "multipack_real_batches": {"sample_packing": True},
    "pad_to_multiple_of": {"pad_to_sequence_len": True},
    "peft_layers_pattern": {"peft_layers_to_transform": [0]},
    "pose_max_context_len": {"use_pose": True},
    "pose_num_chunks": {"use_pose": True},
    "pose_split_on_token_ids": {"use_pose": True},
    "profiler_steps_start": {"profiler_steps": 2},
    "qgalore_rank": {"optimizer": "q_galore_adamw8bit"},
    "relora_cpu_offload": {"relora": True, "jagged_restart_steps": 10},
    "relora_prune_method": {"relora": True, "jagged_restart_steps": 10},
    "relora_prune_ratio": {"relora": True, "jagged_restart_steps": 10},
    "relora": {"jagged_restart_steps": 10},
    "sample_packing_bin_size": {"sample_packing": True},
    "sample_packing_eff_est": {"sample_packing": True},
    "sample_packing_group_size": {"sample_packing": True},
    "sample_packing_mp_start_method": {"sample_packing": True},
    "sample_packing_sequentially": {"sample_packing": True},
    "selective_checkpointing": {"gradient_checkpointing": True},
    "shrink_embeddings": {"resize_token_embeddings_to_32x": True},
    "mean_resizing_embeddings": {"tokens": ["<new>"]},
    "tiled_mlp_num_shards": {"tiled_mlp": True},
    "tiled_mlp_use_original_mlp": {"tiled_mlp": True},
    "torch_compile_backend": {"torch_compile": True},
    "torch_compile_mode": {"torch_compile": True},
    "torch_compile_options": {"torch_compile": True},
}

# Keys that say the same as one that the runner writes: that one is left out, or Axolotl refuses both together.
INSTEAD_OF: dict[str, tuple[str, ...]] = {
    "bfloat16": ("bf16",),
    "bench_dataset": ("eval_strategy",),
    "do_bench_eval": ("eval_strategy",),
    "eager_attention": ("attn_implementation",),
    "early_stopping_patience": ("eval_strategy", "save_strategy"),
    "load_best_model_at_end": ("eval_strategy", "save_strategy"),
    "flash_attention": ("attn_implementation",),
    "flex_attention": ("attn_implementation",),
    "float16": ("fp16",),
    "fp16": ("bf16",),
    "evals_per_epoch": ("eval_strategy",),
    "eval_steps": ("eval_strategy",),
    "lora_target_parameters": ("lora_target_modules",),
    "s2_attention": ("attn_implementation",),
    "sage_attention": ("attn_implementation",),
    "save_steps": ("save_strategy",),
    "saves_per_epoch": ("save_strategy",),
    "sdp_attention": ("attn_implementation",),
    "val_set_size": ("test_datasets",),
    "warmup_steps": ("warmup_ratio",),
    "xformers_attention": ("attn_implementation",),
}


def choose_value(key: str, schema: Schema, definitions: Schema, now: Any) -> Any:
    """A value that the key may have and does not have `now`."""
    if key in VALUES:
        return VALUES[key]
    branches = [_resolve(branch, definitions) for branch in schema.get("anyOf", [schema])]
    for branch in branches:
        if (chosen := _choose_by_type(branch, now)) is not None:
            return chosen
    return "x"


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _choose_by_type(schema: Schema, now: Any) -> Any:
    if "enum" in schema:
        return next((member for member in schema["enum"] if member != now), None)
    if "const" in schema:
        return schema["const"] if schema["const"] != now else None
    match schema.get("type"):
        case "boolean":
            return now is not True
        case "integer":
            return (now or 0) + 3
        case "number":
            return 0.25 if now != 0.25 else 0.5
        case "array":
            return [3] if schema.get("items", {}).get("type") in ("integer", "number") else ["x"]
        case "object":
            return {}
        case "string":
            return "x"
    return None
