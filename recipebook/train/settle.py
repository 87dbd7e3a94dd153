"""A recipe and a device in; the recipe with a value for each key that stands at `auto`, and the reasons, out.

    settle(recipe, TrainingDevice(gpu=True, bf16=True, memory_gib=79.6)).reasons
    → [Reason("training.packing", "records", "rows stand one behind another, without padding; …"), …]

The run's own recipe keeps its `auto`: another machine decides it in another way, and the run stays the same one.
Without a GPU every such key is off; a service decides them itself.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from recipebook import hardware
from recipebook.launch.render import deepspeed_strategy
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.train.cards import Card
from recipebook.train.engine_settings import OPTIMIZERS, find_settings
from recipebook.train.memory import GIB, describe, estimate
from recipebook.train.memory_words import MARGIN
from recipebook.train.shapes import BaseShape, find_shape

CHATS = ("sft", "pretrain")
# Llama 2 and Mistral have 32,000 words, Llama 3 128,256, Qwen2.5 152,064.
LARGE_VOCABULARY = 64_000
# Axolotl takes one of them alone.
OTHER_LOSSES = ("liger_fused_linear_cross_entropy", "liger_cross_entropy", "cut_cross_entropy")
WORKERS = 2
# They have tensor cores, and no bf16.
BEFORE_BF16 = ("T4", "V100")
# They multiply in 16 bits at least.
BEFORE_FP8 = (*BEFORE_BF16, "A100-40", "A100", "A10G", "A10", "A6000", "3090")
GIVEN = "as the recipe says"
WAITING = "seconds, so that ranks do not give up while one saves or evaluates"


class TrainingDevice(NamedTuple):
    """What trains: NVIDIA GPUs of one kind, or without them a processor."""

    gpu: bool
    bf16: bool
    memory_gib: float | None = None
    """Of one GPU; None where it is not known."""


NO_GPU = TrainingDevice(gpu=False, bf16=False)


class Reason(NamedTuple):
    """A key, its value on a device, and why."""

    key: str
    value: Any
    why: str


class Settled(NamedTuple):
    """The recipe as a device trains it, and why so."""

    recipe: Recipe
    reasons: tuple[Reason, ...]


def find_device(card: Card | None = None) -> TrainingDevice:
    """This machine's device, or a GPU of the given kind."""
    if card:
        return TrainingDevice(gpu=True, bf16=card.name not in BEFORE_BF16, memory_gib=card.memory_gib)
    gpu = hardware.detect().gpu
    return TrainingDevice(gpu, hardware.computes_bf16(), hardware.measure_gpu_memory() if gpu else None)


def settle(recipe: Recipe, device: TrainingDevice) -> Settled:
    """Decide each key of `training` that stands at `auto`, in an order in which none needs one that comes later."""
    shape, reasons = find_shape(recipe.model.base), []
    for name, choose in CHOICES.items():
        value, why = getattr(recipe.training, name), GIVEN
        if value == "auto":
            here = device.gpu and recipe.remote is None
            value, why = choose(recipe, device, shape) if here else (OFF[name], "no GPU of this machine trains")
        training = recipe.training.model_copy(update={name: value})
        recipe = recipe.model_copy(update={"training": training})
        reasons.append(Reason(f"training.{name}", value, why))
    return Settled(recipe, (*reasons, *_list_others(recipe, device)))


def _choose_precision(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    if device.bf16:
        return "bf16", "the GPU computes in it"
    if recipe.lora or deepspeed_strategy(recipe):
        return "fp16", "the GPU has no bf16"
    return "fp32", "the GPU has no bf16, and whole weights in fp16 need DeepSpeed"


def _choose_packing(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    training = recipe.training
    if training.method not in CHATS:
        return False, f"{training.method} takes each answer by itself"
    if training.span_weights:
        return False, "span_weights are for rows of their own"
    if training.group_by_length:
        return False, "group_by_length puts rows of like length together"
    if divide_batch(training.model_copy(update={"packing": "records"}), recipe.launch.ranks).rows == 1:
        return False, "a GPU takes one row at a time"
    if training.precision == "fp32":
        return False, "varlen attention, which keeps packed rows apart, computes in 16 bits"
    if not device.bf16:
        return False, "this GPU has no kernel of varlen attention, which keeps packed rows apart"
    return "records", "rows stand one behind another, without padding; a step has the same records"


def _choose_loss(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    if recipe.training.method not in CHATS or recipe.training.span_weights:
        return False, "this loss needs all logits at once"
    if named := next((key for key in OTHER_LOSSES if recipe.axolotl.get(key)), None):
        return False, f"axolotl.{named} is another such loss"
    if shape is None:
        return False, "the size of the base's vocabulary is not known here"
    large = shape.vocabulary >= LARGE_VOCABULARY
    return large, f"a vocabulary of {shape.vocabulary:,} is {'large' if large else 'small'}"


def _choose_checkpointing(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    """On where the longest rows that there may be do not fit without it, by the estimate."""
    if shape is None or device.memory_gib is None:
        return False, "the GPU's memory is not known" if shape else "the base's shape is not known here"
    needed = estimate(shape, describe(recipe, shape)) / GIB
    text = f"about {needed:.1f} GiB without it, and a GPU has {device.memory_gib:.1f}"
    return needed > device.memory_gib * (1 - MARGIN), text


def _choose_tf32(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    return device.bf16, "the GPU has it" if device.bf16 else "it came with bf16, which this GPU lacks"


def _choose_workers(recipe: Recipe, device: TrainingDevice, shape: BaseShape | None) -> tuple[Any, str]:
    if recipe.training.method == "grpo":
        return 0, "episodes are played by the trainer itself"
    return WORKERS, "for each GPU, so that it does not wait for rows"


Choose = Callable[[Recipe, TrainingDevice, BaseShape | None], tuple[Any, str]]
CHOICES: Mapping[str, Choose] = {
    "precision": _choose_precision,
    "packing": _choose_packing,
    "chunked_loss": _choose_loss,
    "gradient_checkpointing": _choose_checkpointing,
    "tf32": _choose_tf32,
    "workers": _choose_workers,
}
# A processor's precision follows from what it computes in (recipebook/launch/render.py).
OFF: Mapping[str, Any] = {**dict.fromkeys(CHOICES, False), "precision": "auto", "workers": 0}


def _list_others(recipe: Recipe, device: TrainingDevice) -> list[Reason]:
    """What no `auto` decides, and a user may change all the same."""
    return [
        Reason("training.optimizer", recipe.training.optimizer, _explain_optimizer(recipe.training.optimizer)),
        Reason("training.pin_memory", recipe.training.pin_memory, "rows go to the GPU from locked memory, or not"),
        *([Reason("lora.kernels", *_explain_kernels(recipe))] if recipe.lora else []),
        *(Reason(f"axolotl.{one.key}", recipe.axolotl[one.key], one.effect) for one in find_settings(recipe)),
        *([Reason("launch.timeout", recipe.launch.timeout, WAITING)] if recipe.launch.ranks > 1 else []),
    ]


def _explain_optimizer(name: str) -> str:
    return OPTIMIZERS.get(name) or ("one kernel for all weights" if "fused" in name else GIVEN)


def _explain_kernels(recipe: Recipe) -> tuple[bool, str]:
    if not recipe.lora or not recipe.lora.kernels:
        return False, GIVEN
    if recipe.training.method not in CHATS:
        return False, "Axolotl has none for preferences and episodes"
    if recipe.lora.quantize == "8bit":
        return False, "Axolotl has none for a base in 8 bits"
    if recipe.axolotl.get("trust_remote_code"):
        return False, "Axolotl has none for a base with code of its own"
    return True, "Axolotl's fused kernels for LoRA"
