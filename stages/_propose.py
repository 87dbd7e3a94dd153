"""Texts in; the calls that a model itself writes at the likeliest places for a call, out.

    propose_calls(speaker, ["find red caps below 400 rupees"], options, seed)
    → [[ToolCall("search", {"query": "red caps"}, 13), …]]

The model is given the text as the user's turn and the text up to a place as the beginning of its answer. The places are
the ends of words. Those where ` <tool>` is likeliest are tried; the call that the model then writes is parsed, never
run.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import torch

from eval.asking.likelihood import measure_tokens
from recipebook.playing.decode import decode
from recipebook.recipe.evaluation_keys import Generation
from recipebook.text.chat import format_prompt
from stages._answers import Speaker
from stages._tools import ToolCall, read_call

OPENING = " <tool>"
CLOSING = "</tool>"


def propose_calls(speaker: Speaker, texts: Sequence[str], options: Any, seed: int) -> list[list[ToolCall]]:
    """The calls of each text; `options` are those of stages/augment.py."""
    places = [[(text, end) for end in _find_ends(text)] for text in texts]
    tried = [place for some in places for place in some]
    starts = [_format_start(speaker, text, end) for text, end in tried]
    odds = measure_tokens(speaker.model, speaker.tokenizer, [(start, OPENING) for start in starts], options.batch_size)
    likely = dict(zip(tried, map(sum, odds), strict=True))
    least = math.log(options.min_probability) if options.min_probability else -math.inf
    chosen = [
        [
            place
            for place in sorted(some, key=lambda place: -likely[place])[: options.positions]
            if likely[place] >= least
        ]
        for some in places
    ]
    torch.manual_seed(seed)
    calls = iter(_generate_calls(speaker, [place for some in chosen for place in some], options))
    return [[call for _ in some for call in next(calls) if call is not None] for some in chosen]


def _find_ends(text: str) -> list[int]:
    """The ends of all words but the last."""
    return [found.end() for found in re.finditer(r"\S+(?=\s+\S)", text)]


def _format_start(speaker: Speaker, text: str, end: int) -> str:
    return format_prompt(speaker.tokenizer, [{"role": "user", "content": text}]) + text[:end]


def _generate_calls(speaker: Speaker, places: Sequence[tuple[str, int]], options: Any) -> list[list[ToolCall | None]]:
    """The `options.calls` calls that the model writes at each place; None for a text that is no call."""
    starts = [_format_start(speaker, text, end) + OPENING for text, end in places for _ in range(options.calls)]
    ids = speaker.tokenizer(starts, add_special_tokens=False)["input_ids"] if starts else []
    settings = Generation(max_new_tokens=options.max_new_tokens, temperature=options.temperature)
    said: list[str] = []
    for start in range(0, len(ids), options.batch_size):
        batch = decode(speaker.model, ids[start : start + options.batch_size], speaker.stops, settings)
        said += [speaker.tokenizer.decode(one.ids).partition(CLOSING)[0] for one in batch]
    written = iter(said)
    return [[read_call(f"<tool>{next(written)}{CLOSING}", end) for _ in range(options.calls)] for _, end in places]
