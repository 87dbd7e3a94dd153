"""A recipe and this machine's GPUs in; how its model lies on them while it answers, out.

    choose_layout(recipe, "…/base")     → Layout(bits=None, spread=False), on one GPU
                                        → Layout(bits="4bit", spread=False), trained as a QLoRA
                                        → Layout(bits=None, spread=True), over several, since one has not the memory

The base of a QLoRA answers in the 4 bits in which it was trained: the adapter has learned to make up for their errors.
"""

from typing import Literal, NamedTuple

from recipebook.hardware import detect, measure_gpu_memory, name_gpus
from recipebook.recipe.keys import Recipe
from recipebook.train.memory import BITS4, CONTEXT_BYTES, GIB
from recipebook.train.memory_words import MARGIN
from recipebook.train.shapes import BaseShape, find_shape

WEIGHT_BYTES = {None: 2.0, "8bit": 1.0, "4bit": BITS4}


class Layout(NamedTuple):
    """In how many bits the base is loaded, and whether its layers lie on several GPUs."""

    bits: Literal["4bit", "8bit"] | None = None
    spread: bool = False


PLAIN = Layout()


def choose_layout(recipe: Recipe, base: str) -> Layout:
    """The layout on this machine's GPUs; plain without one."""
    gpus, memory = name_gpus(), measure_gpu_memory()
    if not gpus or memory is None:
        return Layout()
    bits = recipe.lora.quantize if recipe.lora else None
    shape, generation = find_shape(base), recipe.eval.generation
    # Of slices of GPUs, CUDA shows a process one.
    if shape is None or len(gpus) == 1 or detect().slices:
        return Layout(bits)
    tokens = generation.batch_size * (recipe.training.max_length + generation.max_new_tokens)
    needed = estimate_answering(shape, tokens, generation.batch_size, bits) / GIB
    return Layout(bits, spread=needed > memory * (1 - MARGIN))


def estimate_answering(shape: BaseShape, tokens: int, rows: int, bits: Literal["4bit", "8bit"] | None = None) -> float:
    """Bytes that a GPU holds while `rows` answers are written: weights, `tokens` keys and values, the last logits.

    Two bytes a number, but for what is quantised and for logits, which are chosen from in four.
    """
    width = shape.head_width or shape.hidden // shape.heads
    weights = WEIGHT_BYTES[bits] * shape.linear + 2 * shape.embeddings
    cache = 2 * 2 * shape.layers * shape.key_heads * width * tokens
    return weights + cache + 4 * rows * shape.vocabulary + CONTEXT_BYTES
