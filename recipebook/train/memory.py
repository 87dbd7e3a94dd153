"""The most memory that a training holds on each GPU, computed from the shape of its base and the recipe.

    estimate(shape, Setup(method="lora", rank=32, targets=("q_proj", "v_proj"), tokens=1024))   → 20.9e9 bytes

Weights, gradients, the optimizer's state and the inputs kept for checkpointing are counted: two bytes a weight, 0.516
of a quantised one, four bytes for each number of an adapter and its gradient, eight for its moments; eighteen more a
weight where all are trained. An optimizer of 8 bits keeps two bytes of moments in place of eight. ZeRO divides them as
its paper says (Rajbhandari et al. 2020, section 5), FSDP as ZeRO-3 does.
Three numbers cannot be counted and are fitted to 69 published peaks by benchmarks/memory.py: bytes per token and inner
width of a layer, bytes per token and word of the vocabulary, and what the context and the allocator take.
"""

from typing import Literal, NamedTuple

from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.train.shapes import BaseShape

GIB = 2**30
# By benchmarks/memory.py. Of the 69 peaks 66 are within 15 %, and 64 with each model's own peaks left out of the fit.
LAYER_BYTES, WORD_BYTES, CONTEXT_BYTES = 13.0, 8.55, 2.29e9
BITS4 = 0.516
MOMENTS_8BIT = 2
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
    buckets: bool = True
    """Whether what is shared out is sent in buckets, as ZeRO does and FSDP does not."""
    moments: int = 8
    """Bytes of the optimizer's moments, for each number that is learned."""


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
    counted = _weigh_base(shape, setup) / shared[3]
    if setup.method == "full":
        counted += 2 * learned / shared[2] + (8 + setup.moments) * learned / shared[1]
    else:
        counted += 4 * learned + 4 * learned / shared[2] + setup.moments * learned / shared[1]
    if setup.stage and setup.buckets:
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
        buckets=launch.strategy != "fsdp2",
        moments=MOMENTS_8BIT if "8bit" in training.optimizer else 8,
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
    a_weight = {"qlora": BITS4, "lora8": 1.0}.get(setup.method, 2.0)
    return a_weight * shape.linear + 2 * shape.embeddings


def _count_learned(shape: BaseShape, setup: Setup) -> int:
    """Numbers that are learned."""
    if setup.method == "full":
        return shape.linear + shape.embeddings
    return setup.rank * shape.layers * sum(sum(shape.modules[name]) for name in setup.targets)
