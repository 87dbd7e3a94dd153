"""Prompts and how much a model reads in; lines on those that are too long for it out.

["3 of 200 prompts fill the 1,024 tokens that the base reads: their answers are empty"]
"""

from collections.abc import Sequence
from typing import Any

from eval.asking import generate
from eval.asking.one_model import find_playing
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.train.prompt_lengths import TokenCount, format_room, format_untrained


def describe_lengths(tokenizer: Any, prompts: Sequence[Prompt], recipe: Recipe, context: int | None) -> list[str]:
    """The lines on the prompts of an evaluation. Episodes end by themselves where there is no more room."""
    if find_playing(recipe):
        return []
    counts = _count(tokenizer, prompts, context, "prompts")
    return [*format_room(counts, recipe, context), *format_untrained(counts, recipe.training.max_length)]


def describe_longer(tokenizer: Any, prompts: Sequence[Prompt], recipe: Recipe, context: int | None) -> list[str]:
    """The lines on prompts with examples before them, which only the base is asked."""
    return format_room(_count(tokenizer, prompts, context, "few_shot prompts"), recipe, context, "few_shot prompts")


def _count(tokenizer: Any, prompts: Sequence[Prompt], context: int | None, what: str) -> list[TokenCount]:
    """The tokens of each prompt; refused where none leaves room for an answer."""
    counts = [_count_tokens(tokenizer, prompt) for prompt in prompts]
    if context and all(one.prompt >= context for one in counts):
        shortest = min(one.prompt for one in counts)
        reads = f"the {context:,} tokens that the base reads"
        raise UserError(f"no room for an answer: all {len(counts)} {what} fill {reads}; the shortest has {shortest:,}")
    return counts


def _count_tokens(tokenizer: Any, prompt: Prompt) -> TokenCount:
    given = [prompt.answer, *([prompt.rejected] if prompt.rejected else [])]
    texts = [generate.write(tokenizer, prompt, answer) for answer in given]
    whole = [one.prompt + one.answer for one in texts]
    first, *others = tokenizer([texts[0].prompt, *whole], add_special_tokens=False)["input_ids"]
    return TokenCount(len(first), max(map(len, others)))
