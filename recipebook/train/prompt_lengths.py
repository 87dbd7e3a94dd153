"""Held-out prompts in tokens, and what a base reads, in; how many are too long and what becomes of them, in lines, out.

    format_room([TokenCount(prompt=1_050, whole=1_060), TokenCount(31, 40)], recipe, context=1_024)
    → ["1 of 2 prompts fill the 1,024 tokens that the base reads: their answers are empty"]

The plan and the evaluation say the same: an empty answer is mostly a wrong one, and nobody would look for the reason.
"""

from collections.abc import Sequence
from typing import NamedTuple

from recipebook.modules import METRIC, load
from recipebook.recipe.keys import Recipe
from recipebook.recipe.training_keys import Training


class TokenCount(NamedTuple):
    """The tokens of a prompt, and of the prompt with the longer of its given answers."""

    prompt: int
    whole: int


def format_room(counts: Sequence[TokenCount], recipe: Recipe, context: int | None, what: str = "prompts") -> list[str]:
    """On prompts that leave too little room for an answer, or for the given ones, in what the base reads."""
    if context is None:
        return []
    budget, reads = recipe.eval.generation.max_new_tokens, f"{context:,} tokens that the base reads"
    metrics = [load(METRIC, name) for name in recipe.eval.metrics]
    found = []
    if any(not hasattr(metric, "MEASURES") for metric in metrics):
        full = sum(one.prompt >= context for one in counts)
        tight = sum(context - budget < one.prompt < context for one in counts)
        room = f"leave fewer than {budget} of the {reads} (eval.generation.max_new_tokens)"
        found += [(full, f"{what} fill the {reads}: their answers are empty")]
        found += [(tight, f"{what} {room}: their answers may be cut off")]
    if any(hasattr(metric, "MEASURES") for metric in metrics):
        long = sum(one.whole > context for one in counts)
        found += [(long, f"{what} with their given answers exceed the {reads}: their likelihoods are undefined")]
    return [f"{count} of {len(counts)} {text}" for count, text in found if count]


def format_untrained(counts: Sequence[TokenCount], most: int) -> list[str]:
    """On prompts that are longer with their given answers than any row of training."""
    count = sum(one.whole > most for one in counts)
    longer = f"prompts with their given answers are longer than training.max_length, {most:,} tokens"
    return [f"{count} of {len(counts)} {longer}: no trained row was"] if count else []


def format_beyond(lengths: Sequence[int], training: Training, context: int | None) -> list[str]:
    """On rows of train that are trained on although they are longer than what the base reads."""
    most = training.max_length
    if context is None or most <= context:
        return []
    count = sum(length > context and (length <= most or training.too_long == "truncate") for length in lengths)
    longer = f"train rows are longer than the {context:,} tokens that the base reads"
    return [f"{count} of {len(lengths)} {longer}: training.max_length={context}"] if count else []
