"""A resolved recipe and the files of a run to `axolotl.yaml` (and `deepspeed.json`): Jinja, in a sandbox.

The template of the training method renders the recipe; the recipe's `axolotl` section is laid over the result. The
files need nothing else: `axolotl train axolotl.yaml` in the run's folder trains the same.
"""

from dataclasses import dataclass
from typing import Any

import yaml
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from recipebook.errors import UserError
from recipebook.modules import CHAT_TEMPLATE, TEMPLATE, find
from recipebook.project import list_roots
from recipebook.recipe import axolotl_keys
from recipebook.recipe.base_model import find_base
from recipebook.recipe.batches import count_at_once, divide
from recipebook.recipe.keys import Recipe
from recipebook.recipe.sharing import shards_by_torch


@dataclass(frozen=True)
class Inputs:
    """The files that a run trains on, as paths from its folder or absolute ones, and how many processes tokenise.

    `base` is a model in place of the recipe's. `adapter` is an adapter to train further, in place of a new one.
    `masked`: some messages have `"train": false`.
    """

    train: str
    validation: str | None
    prepared: str
    tokenizers: int = 0
    base: str | None = None
    adapter: str | None = None
    masked: bool = False


def render_axolotl(recipe: Recipe, inputs: Inputs, *, gpu: bool, bf16: bool = False) -> str:
    """The text of `axolotl.yaml`; every key in it is one that Axolotl knows.

    `bf16`: what trains computes in bfloat16 itself, so that `precision: auto` means that. A key of `training` that
    stands at `auto` counts as off: recipebook/train/settle.py decides it for a machine.
    """
    own = recipe.model.chat_template == "tokenizer"
    template = _environment().get_template(f"{recipe.training.method}{TEMPLATE.ending}")
    text = template.render(
        recipe=recipe,
        base=inputs.base or str(find_base(recipe)),
        chat_template="" if own else str(find(CHAT_TEMPLATE, recipe.model.chat_template)),
        data=inputs,
        prepared=inputs.prepared,
        divide=divide,
        count_at_once=count_at_once,
        strategy=deepspeed_strategy(recipe),
        fsdp=list_fsdp(recipe, gpu=gpu),
        gpu=gpu,
        # transformers refuses bf16 where DeepSpeed runs on processors.
        bf16=bf16 and (gpu or deepspeed_strategy(recipe) is None),
    )
    config = {**yaml.safe_load(text), **recipe.axolotl}
    config["plugins"] = [*yaml.safe_load(text)["plugins"], *recipe.axolotl.get("plugins", [])]
    errors = axolotl_keys.rendered_key_errors(config)
    if errors:
        raise UserError(f"templates/{recipe.training.method}.yaml.j2: {errors[0]}")
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)


def render_deepspeed(recipe: Recipe, *, gpu: bool) -> str | None:
    """The text of `deepspeed.json`, or None where the recipe does not use DeepSpeed."""
    strategy = deepspeed_strategy(recipe)
    if strategy is None:
        return None
    return (
        _environment().get_template(f"deepspeed/{strategy}.json.j2").render(gpu=gpu, offload=recipe.launch.offload)
        + "\n"
    )


def list_fsdp(recipe: Recipe, *, gpu: bool) -> dict[str, Any] | None:
    """Axolotl's `fsdp_config`, which accelerate has with `fsdp_` before each key; None where weights are not shared so.

    Each layer is a shard of its own, by the class that the model itself names. Checkpoints are whole, so that any
    number of ranks resumes from them.
    """
    if not shards_by_torch(recipe.launch.strategy, recipe.launch.ranks):
        return None
    quantized = recipe.lora is not None and recipe.lora.quantize is not None
    return {
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "state_dict_type": "FULL_STATE_DICT",
        "reshard_after_forward": True,
        # Else every GPU would hold the whole base before it is shared out. Each rank quantises for itself, and without
        # a GPU Axolotl would look for one.
        "cpu_ram_efficient_loading": gpu and not quantized,
    }


def deepspeed_strategy(recipe: Recipe) -> str | None:
    """`zero1`, `zero2`, `zero3`, or None."""
    return recipe.launch.strategy if recipe.launch.strategy.startswith("zero") else None


def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader([root / "templates" for root in list_roots()]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["yaml"] = _to_yaml
    return environment


def _to_yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))
    return text.removesuffix("\n").removesuffix("\n...")
