"""Token ids of prompts in, token ids of answers out, in a batch that shrinks as its answers end.

    decode(model, [[1, 5, 9], [1, 7]], stops={2}, settings) → [Decoded([31, 32], ended=True), Decoded([31], ended=True)]

`model.generate` computes a row until the longest answer of its batch has ended. It also applies the penalties that a
base model was published with, so that its "greedy" token is not the likeliest one. The shrinking batch is about twice
as fast with answers of unlike lengths, and its answers are the same to the letter.

What all prompts of a batch begin with, such as a template's system message, is read once.
"""

import os
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache, TopPLogitsWarper

from recipebook.playing.roomy_cache import is_plain, keep_rows, make_cache
from recipebook.recipe.evaluation_keys import Generation

# A shorter common beginning takes longer to read by itself than it saves.
SHORT = 8


class Decoded(NamedTuple):
    """An answer without the token that ended it; `ended` is False if it ran into the limit of tokens."""

    ids: list[int]
    ended: bool


@torch.inference_mode()
def decode(
    model: Any,
    prompts: list[list[int]],
    stops: Collection[int],
    settings: Generation,
    watch: Callable[[int, int], None] = lambda ended, tokens: None,
    hear: Callable[[int, int], None] = lambda row, token: None,
) -> list[Decoded]:
    """One answer a prompt, in order; the likeliest token each time, unless there is a temperature.

    `watch` is called after each step with the number of answers that have ended, and of tokens read and written;
    `hear` with each token of an answer, as it is chosen, and the answer's place.
    """
    cache = make_cache(model.config)
    shared = _read_shared(model, cache, prompts)
    tokens, mask, positions = _pad(prompts, shared, model.device)
    answers: list[list[int]] = [[] for _ in prompts]
    ended = [False] * len(prompts)
    live = list(range(len(prompts)))
    read = sum(len(ids) for ids in prompts)
    watch(0, 0)
    for _ in range(settings.max_new_tokens):
        logits = model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        chosen = _choose(logits, settings)
        for row, token in zip(live, chosen.tolist(), strict=True):
            ended[row] = token in stops
            if not ended[row]:
                answers[row].append(token)
                hear(row, token)
        watch(sum(ended), read + sum(len(ids) for ids in answers))
        kept = [at for at, row in enumerate(live) if not ended[row]]
        if not kept:
            break
        if len(kept) < len(live):
            # Tokens are sampled in the rows' order.
            kept = kept if settings.temperature else _fill_gaps(kept)
            keep_rows(cache, kept, model.device)
            rows = torch.tensor(kept, device=model.device)
            mask, positions, chosen = mask[rows], positions[rows], chosen[rows]
            live = [live[at] for at in kept]
        tokens, positions = chosen[:, None], positions[:, -1:] + 1
        mask = torch.cat([mask, mask.new_ones(len(live), 1)], dim=1)
    return [Decoded(ids, end) for ids, end in zip(answers, ended, strict=True)]


def _fill_gaps(kept: Sequence[int]) -> list[int]:
    """The rows in an order in which as many as can be stay in their places: `[0, 2, 4]` → `[0, 4, 2]`."""
    staying = {row for row in kept if row < len(kept)}
    moving = [row for row in kept if row >= len(kept)]
    return [row if row in staying else moving.pop() for row in range(len(kept))]


def _read_shared(model: Any, cache: DynamicCache, prompts: list[list[int]]) -> int:
    """Read the tokens that all prompts begin with into the cache; return their number."""
    # Each prompt keeps a token to itself, whose successor begins its answer.
    shared = min(len(os.path.commonprefix(prompts)), min(len(ids) for ids in prompts) - 1)
    # A layer that sees only a window of tokens would count the padding behind the beginning as some of them.
    if len(prompts) == 1 or shared < SHORT or not is_plain(cache):
        return 0
    beginning = torch.tensor([prompts[0][:shared]], device=model.device)
    model(input_ids=beginning, past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(len(prompts))
    return shared


def _pad(prompts: list[list[int]], shared: int, device: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What follows the `shared` tokens as one block that ends where the prompts end, and its tokens' positions.

    The mask hides the padding between the shared tokens and the others.
    """
    width = max(len(ids) for ids in prompts)
    padding = [width - len(ids) for ids in prompts]
    pairs = list(zip(prompts, padding, strict=True))
    tokens = torch.tensor([[0] * hidden + ids[shared:] for ids, hidden in pairs], device=device)
    shown = [[1] * shared + [0] * hidden + [1] * (len(ids) - shared) for ids, hidden in pairs]
    mask = torch.tensor(shown, device=device)
    return tokens, mask, (mask.cumsum(dim=1) - 1).clamp(min=0)[:, shared:]


def _choose(logits: torch.Tensor, settings: Generation) -> torch.Tensor:
    if not settings.temperature:
        return logits.argmax(dim=-1)
    scores = logits.float() / settings.temperature
    if settings.top_p < 1:
        scores = TopPLogitsWarper(settings.top_p)(None, scores)
    return torch.multinomial(scores.softmax(dim=-1), 1).squeeze(1)
