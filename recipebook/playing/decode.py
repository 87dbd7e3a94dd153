"""Token ids of prompts in, token ids of answers out, in a batch from which answers leave and which prompts join.

    decode(model, [[1, 5, 9], [1, 7]], stops={2}, settings) → [Decoded([31, 32], ended=True), Decoded([31], ended=True)]

`model.generate` computes a row until the longest answer of its batch has ended. It also applies the penalties that a
base model was published with, so that its "greedy" token is not the likeliest one. Here a row leaves the batch with its
answer's end, and as soon as many have left, prompts that wait take their places: of 618 commands to a robot, 128 at a
time, with 192 steps in place of 255. The answers are the same to the letter.

What all prompts begin with, such as a template's system message, is read once.
"""

import copy
import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from transformers import DynamicCache, TopPLogitsWarper

from recipebook.playing.roomy_cache import drop_columns, is_plain, join_rows, keep_rows, make_cache
from recipebook.recipe.base_model import read_context
from recipebook.recipe.evaluation_keys import Generation

# A shorter common beginning takes longer to read by itself than it saves.
SHORT = 8
# The share of a batch that has left before others join: reading a few prompts takes about as long as reading many.
JOINING = 0.25
# Prompts that are read at a time, of like length: with more, more of what is read is padding.
READ_AT_ONCE = 64


class Decoded(NamedTuple):
    """An answer without the token that ended it; `ended` is False if it ran into the limit of tokens."""

    ids: list[int]
    ended: bool


class DecodingProgress(NamedTuple):
    """How far decoding is: the answers that left, their tokens, and all tokens that were read and written."""

    answers: int
    their_tokens: int
    tokens: int


@dataclass
class _AnswersSoFar:
    """The answers so far; `settle` takes a token for some of them."""

    stops: Collection[int]
    limits: Sequence[int]
    hear: Callable[[int, int], None]
    ids: list[list[int]]
    ended: list[bool]
    left: int = 0
    left_tokens: int = 0
    tokens: int = 0

    def settle(self, places: Sequence[int], chosen: Sequence[int]) -> list[int]:
        """Write a token behind the answers in some places; which of them go on, by their number among the places."""
        kept = []
        for at, (place, token) in enumerate(zip(places, chosen, strict=True)):
            ids = self.ids[place]
            if token in self.stops:
                self.ended[place] = True
            else:
                ids.append(token)
                self.tokens += 1
                self.hear(place, token)
            if self.ended[place] or len(ids) == self.limits[place]:
                self.left += 1
                self.left_tokens += len(ids)
            else:
                kept.append(at)
        return kept

    def measure(self) -> DecodingProgress:
        """How far decoding is."""
        return DecodingProgress(self.left, self.left_tokens, self.tokens)


@dataclass
class _LiveBatch:
    """Answers that are being written: tokens that are to be read, what was read before, and what each row sees of it.

    `places` are the answers' places among the prompts.
    """

    places: list[int]
    cache: DynamicCache
    tokens: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor

    def read(self, model: Any) -> torch.Tensor:
        """Read the tokens; how likely each token is to follow."""
        logits: torch.Tensor = model(
            input_ids=self.tokens,
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        return logits

    def follow(self, chosen: torch.Tensor, kept: Sequence[int]) -> None:
        """Keep some rows, whose chosen tokens are read next."""
        if len(kept) < len(self.places):
            keep_rows(self.cache, kept, self.mask.device)
            rows = torch.tensor(kept, device=self.mask.device)
            self.mask, self.positions, chosen = self.mask[rows], self.positions[rows], chosen[rows]
            self.places = [self.places[at] for at in kept]
        self.tokens, self.positions = chosen[:, None], self.positions[:, -1:] + 1
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(kept), 1)], dim=1)

    def join(self, other: "_LiveBatch") -> None:
        """Append the rows of another batch; all end at the same column."""
        unseen = int(self.mask.any(dim=0).int().argmax())
        drop_columns(self.cache, unseen)
        self.mask = self.mask[:, unseen:]
        join_rows(self.cache, other.cache)
        width = max(self.mask.shape[1], other.mask.shape[1])
        masks = [torch.nn.functional.pad(mask, (width - mask.shape[1], 0)) for mask in (self.mask, other.mask)]
        self.mask = torch.cat(masks)
        self.tokens = torch.cat([self.tokens, other.tokens])
        self.positions = torch.cat([self.positions, other.positions])
        self.places += other.places


@torch.inference_mode()
def decode(
    model: Any,
    prompts: list[list[int]],
    stops: Collection[int],
    settings: Generation,
    watch: Callable[[DecodingProgress], None] = lambda written: None,
    hear: Callable[[int, int], None] = lambda place, token: None,
    room: int | None = None,
) -> list[Decoded]:
    """One answer a prompt, in order; the likeliest token each time, unless there is a temperature.

    `room` is the number of answers that are written at a time, of prompts in the order of their length; without it all
    are written at once. `watch` is called after each step, `hear` with each token of an answer, as it is chosen, and
    the answer's place. An answer ends where the model's context does, so a prompt that fills it has none.
    """
    context = read_context(model.config.to_dict()) or sys.maxsize
    limits = [min(settings.max_new_tokens, context - len(ids)) for ids in prompts]
    waiting = deque(place for place, limit in enumerate(limits) if limit > 0)
    full = len(prompts) - len(waiting)
    record = _AnswersSoFar(stops, limits, hear, [[] for _ in prompts], [False] * len(prompts), left=full)
    beginning = _read_beginning(model, [prompts[place] for place in waiting])
    if room:
        waiting = deque(order_prompts(waiting, prompts, model.device))
    most = READ_AT_ONCE if room and is_plain(beginning) else len(prompts)
    batch: _LiveBatch | None = None
    watch(record.measure())
    while waiting or batch:
        free = (room or len(prompts)) - (len(batch.places) if batch else 0)
        if waiting and (batch is None or _may_join(batch, free, len(waiting))):
            taken = [waiting.popleft() for _ in range(min(free, len(waiting), most))]
            new = _write(model, _open(taken, prompts, beginning, model.device), record, settings)
            batch = _join(batch, new)
            record.tokens += sum(len(prompts[place]) for place in taken)
        elif batch:
            batch = _write(model, batch, record, settings)
        watch(record.measure())
    return [Decoded(ids, end) for ids, end in zip(record.ids, record.ended, strict=True)]


def order_prompts(places: Iterable[int], prompts: Sequence[Sequence[int]], device: torch.device) -> list[int]:
    """The prompts' places, the shortest prompt first: so rows that are written together are of like length.

    Long prompts tend to have long answers. Beside these, short prompts that join later would be read as if they were as
    long. On a GPU the longest come first, so that a batch that is too large for its memory fails at once.
    """
    return sorted(places, key=lambda place: len(prompts[place]), reverse=device.type != "cpu")


def _may_join(batch: _LiveBatch, free: int, waiting: int) -> bool:
    """Whether enough rows of the batch are free, and its cache can take rows of another."""
    size = len(batch.places) + free
    return is_plain(batch.cache) and free >= max(1, min(waiting, JOINING * size))


def _join(batch: _LiveBatch | None, new: _LiveBatch | None) -> _LiveBatch | None:
    if batch and new:
        batch.join(new)
    return batch or new


def _write(model: Any, batch: _LiveBatch, record: _AnswersSoFar, settings: Generation) -> _LiveBatch | None:
    """Write the next token of each answer of a batch; the batch of those that go on, None where none does."""
    chosen = _choose(batch.read(model), settings)
    kept = record.settle(batch.places, chosen.tolist())
    if not kept:
        return None
    # Tokens are sampled in the rows' order.
    batch.follow(chosen, kept if settings.temperature else _fill_gaps(kept))
    return batch


def _fill_gaps(kept: Sequence[int]) -> list[int]:
    """The rows in an order in which as many as can be stay in their places: `[0, 2, 4]` → `[0, 4, 2]`."""
    staying = {row for row in kept if row < len(kept)}
    moving = [row for row in kept if row >= len(kept)]
    return [row if row in staying else moving.pop() for row in range(len(kept))]


def _read_beginning(model: Any, prompts: list[list[int]]) -> DynamicCache:
    """A cache of one row that has read the tokens that all prompts begin with; it may be empty."""
    cache = make_cache(model.config)
    # Each prompt keeps a token to itself, whose successor begins its answer.
    shared = min(len(os.path.commonprefix(prompts)), *(len(ids) - 1 for ids in prompts)) if len(prompts) > 1 else 0
    # A layer that sees only a window of tokens would count the padding behind the beginning as some of them.
    if shared >= SHORT and is_plain(cache):
        ids = torch.tensor([prompts[0][:shared]], device=model.device)
        model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


def _open(places: list[int], prompts: list[list[int]], beginning: DynamicCache, device: Any) -> _LiveBatch:
    """A batch of prompts behind their beginning: the rest as one block that ends where the prompts end.

    The mask hides the padding between the shared tokens and the others.
    """
    cache, shared = copy.deepcopy(beginning), beginning.get_seq_length() if is_plain(beginning) else 0
    if shared:
        cache.batch_repeat_interleave(len(places))
    chosen = [prompts[place] for place in places]
    width = max(len(ids) for ids in chosen)
    padding = [width - len(ids) for ids in chosen]
    pairs = list(zip(chosen, padding, strict=True))
    tokens = torch.tensor([[0] * hidden + ids[shared:] for ids, hidden in pairs], device=device)
    shown = [[1] * shared + [0] * hidden + [1] * (len(ids) - shared) for ids, hidden in pairs]
    mask = torch.tensor(shown, device=device)
    return _LiveBatch(places, cache, tokens, mask, (mask.cumsum(dim=1) - 1).clamp(min=0)[:, shared:])


def _choose(logits: torch.Tensor, settings: Generation) -> torch.Tensor:
    if not settings.temperature:
        # On a processor numpy finds the largest of 2,000 numbers in a twentieth of torch's time.
        plain = logits.device.type == "cpu" and logits.dtype == torch.float32
        return torch.from_numpy(logits.numpy().argmax(axis=-1)) if plain else logits.argmax(dim=-1)
    scores = logits.float() / settings.temperature
    if settings.top_p < 1:
        scores = TopPLogitsWarper(settings.top_p)(None, scores)
    return torch.multinomial(scores.softmax(dim=-1), 1).squeeze(1)
