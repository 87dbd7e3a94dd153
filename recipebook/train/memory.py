"""The most memory that a training holds on each GPU, computed from the shape of its base and the recipe.

    estimate(shape, Setup(method="lora", rank=32, targets=("q_proj", "v_proj"), tokens=1024))   → 20.9e9 bytes

Weights, gradients, the optimizer's state and the inputs kept for checkpointing are counted: two bytes a weight, 0.516
of a quantised one, four where the training computes in float32, and four bytes for each number of an adapter, its
gradient and each of its two moments. Where all weights are trained, gradients and moments are as wide as the weights
that PyTorch's optimizers are given: Axolotl loads them in 16 bits, and makes the embeddings float32 again unless FSDP
shares them out. DeepSpeed keeps 16 bytes more a weight: a copy, a gradient and two moments in float32. An optimizer of
8 bits keeps two bytes of moments. ZeRO divides all this as its paper says (Rajbhandari et al. 2020, section 5), FSDP as
ZeRO-3 does. What is offloaded takes nothing (ZeRO-Offload, Ren et al. 2021), but for the layers that compute.
Three numbers cannot be counted and are fitted to 69 published peaks by benchmarks/memory.py: bytes per token and inner
width of a layer, bytes per token and word of the vocabulary, and what the context and the allocator take.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.train.shapes import BaseShape

GIB = 2**30
# By benchmarks/memory.py. Of the 69 peaks 66 are within 15 %, and 64 with each model's own peaks left out of the fit.
LAYER_BYTES, WORD_BYTES, CONTEXT_BYTES = 13.0, 8.55, 2.29e9
BITS4 = 0.516
HALF, FULL = 2, 4
"""Bytes of a number in bfloat16 or float16, and in float32."""
BUCKET = 5e8
STAGES = {"data-parallel": 0, "zero1": 1, "zero2": 2, "zero3": 3, "fsdp2": 3}
# Methods that put a chosen and a rejected answer into one pass.
TWO_ANSWERS = ("dpo", "ipo", "orpo", "simpo")


class Setup(NamedTuple):
    """What a training holds beside the base's weights."""

    method: Literal["full", "lora", "qlora", "lora8"]
    tokens: int
    """Tokens that a process takes at a time: rows times the longest of them."""
    rank: int = 0
    targets: tuple[str, ...] = ()
    checkpointing: bool = False
    processes: int = 1
    stage: int = 0
    """ZeRO's stage, which is 3 for FSDP too; 0: each process holds all."""
    deepspeed: bool = True
    """Whether DeepSpeed shares out what a stage shares, in buckets, and keeps whole weights in float32 as well."""
    width: int = HALF
    """Bytes of a weight of the base that is not quantised."""
    optimizer_8bit: bool = False
    """Whether each of the optimizer's two moments takes one byte."""
    offload: Literal["optimizer", "weights"] | None = None
    """What DeepSpeed keeps in main memory: the optimizer's state and gradients, or the weights too."""


class Terms(NamedTuple):
    """The bytes that are counted, and what the fitted numbers multiply."""

    counted: float
    layer: float
    words: float


def estimate(shape: BaseShape, setup: Setup) -> float:
    """Bytes a GPU."""
    counted, layer, words = list_terms(shape, setup)
    return counted + LAYER_BYTES * layer + WORD_BYTES * words + CONTEXT_BYTES


def list_terms(shape: BaseShape, setup: Setup) -> Terms:
    """What is counted, and the factors of the fitted numbers."""
    shared = {stage: setup.processes if setup.stage >= stage else 1 for stage in (1, 2, 3)}
    learned = _count_learned(shape, setup)
    counted = 0.0 if setup.offload == "weights" else _weigh_base(shape, setup) / shared[3]
    counted += _weigh_learned(shape, setup, learned, shared)
    if setup.stage > 0 and setup.deepspeed:
        counted += 2 * 2 * min(BUCKET, learned)
    one_layer = shape.linear / shape.layers
    if setup.stage == 3:
        # Two layers, the embedding and the output layer are whole while they compute.
        counted += 2 * (2 * one_layer + shape.embeddings)
    if setup.method == "qlora":
        counted += 2 * one_layer
    counted += 2 * setup.tokens * shape.hidden * shape.layers
    kept = 1 if setup.checkpointing else shape.layers
    return Terms(counted, setup.tokens * shape.inner * kept, setup.tokens * shape.vocabulary)


def _weigh_learned(shape: BaseShape, setup: Setup, learned: int, shared: Mapping[int, int]) -> float:
    """Bytes of an adapter, of gradients and of the optimizer's state; `shared`: by how many each stage divides."""
    if setup.offload:
        return 0 if setup.method == "full" else FULL * learned
    if setup.method != "full":
        return FULL * learned + FULL * learned / shared[2] + _weigh_moments(setup, FULL) * learned / shared[1]
    if setup.stage > 0 and setup.deepspeed:
        return HALF * learned / shared[2] + (2 * FULL + _weigh_moments(setup, FULL)) * learned / shared[1]
    return _weigh_learning(shape, setup) / shared[3]


def _weigh_learning(shape: BaseShape, setup: Setup) -> float:
    """Bytes of gradients and moments where PyTorch trains all weights, and of what float32 adds to the embeddings."""
    width, wide = setup.width, setup.width if setup.stage else FULL
    linear = (width + _weigh_moments(setup, width)) * shape.linear
    embeddings = (wide - width + wide + _weigh_moments(setup, wide)) * shape.embeddings
    one = shape.vocabulary * shape.hidden
    # The output layer computes in 16 bits, from a copy; and bitsandbytes keeps whole moments of the input embedding.
    copied = width if wide > width else 0
    whole = 2 * FULL - _weigh_moments(setup, wide) if setup.optimizer_8bit else 0
    return linear + embeddings + (copied + whole) * one


def _weigh_moments(setup: Setup, width: int) -> int:
    """Bytes of the optimizer's two moments of a number that takes `width` bytes."""
    return 2 if setup.optimizer_8bit else 2 * width


def describe(recipe: Recipe, shape: BaseShape, rows_tokens: int | None = None) -> Setup:
    """The setup of a recipe that is settled for its GPU (recipebook/train/settle.py).

    `rows_tokens`: the longest row's tokens, if they are known, instead of `max_length`.
    """
    training, launch, lora = recipe.training, recipe.launch, recipe.lora
    longest = min(rows_tokens or training.max_length, training.max_length)
    tokens = divide_batch(training, launch.ranks).rows * longest * (2 if training.method in TWO_ANSWERS else 1)
    setup = Setup(
        "full",
        tokens,
        checkpointing=training.gradient_checkpointing is True,
        processes=launch.ranks,
        stage=STAGES[launch.strategy],
        deepspeed=launch.strategy != "fsdp2",
        width=FULL if training.precision == "fp32" else HALF,
        optimizer_8bit="8bit" in training.optimizer,
        offload=launch.offload,
    )
    if lora is None:
        return setup
    all_linear = lora.target_modules == "all-linear"
    targets = tuple(shape.modules) if all_linear else tuple(one for one in lora.target_modules if one in shape.modules)
    method: Literal["lora", "qlora", "lora8"] = "lora"
    if lora.quantize:
        method = "qlora" if lora.quantize == "4bit" else "lora8"
    return setup._replace(method=method, rank=lora.r, targets=targets)


def _weigh_base(shape: BaseShape, setup: Setup) -> float:
    """Bytes of the base's weights; embeddings are never quantised."""
    a_weight = {"qlora": BITS4, "lora8": 1.0}.get(setup.method, setup.width)
    return a_weight * shape.linear + setup.width * shape.embeddings


def _count_learned(shape: BaseShape, setup: Setup) -> int:
    """Numbers that are learned."""
    if setup.method == "full":
        return shape.linear + shape.embeddings
    return setup.rank * shape.layers * sum(sum(shape.modules[name]) for name in setup.targets)
