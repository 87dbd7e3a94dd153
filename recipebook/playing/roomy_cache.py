"""Keys and values of a batch's tokens, with room for those to come: a model's cache that is not copied at each token.

    make_cache(config)           a cache as the model's own, but for its plain layers
    keep_rows(cache, [0, 4, 2], device)  the rows whose answers go on; row 4 takes the place of one that ended
    drop_columns(cache, 3)       without the first three tokens of each row, which no row sees any more
    join_rows(cache, other)      the rows of another cache take the places of rows that ended; all rows end together

transformers' own layer makes a new tensor of all keys for every token, and again for every answer that ends. Here a
token is written into room that was set aside, and the last rows move into the places of those that ended.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

# Room is made for this number of tokens, or for half as many as there are: each time, all of them are copied.
ROOM = 32


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer whose `keys` and `values` are the used part of larger tensors, from the column `start` on."""

    keys: Any
    values: Any
    whole: tuple[Any, Any] | None = None
    start = 0

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Append some tokens; all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        used, new = self.get_seq_length(), key_states.shape[-2]
        if self.whole is None or self.start + used + new > self.whole[0].shape[-2]:
            self._move(key_states, value_states, self._count_rows(len(key_states)), used + new)
        self._use(len(key_states), self.start + used + new)
        self.keys[:, :, used:] = key_states
        self.values[:, :, used:] = value_states
        return self.keys, self.values

    def keep_rows(self, rows: Sequence[int]) -> None:
        """Keep the rows in this order; those that stay where they are, are not copied."""
        if self.whole is None:
            return
        moved = [(at, row) for at, row in enumerate(rows) if at != row]
        if moved:
            to, of = (torch.tensor(places, device=self.keys.device) for places in zip(*moved, strict=True))
            self.keys[to], self.values[to] = self.keys[of], self.values[of]
        self.keys, self.values = self.keys[: len(rows)], self.values[: len(rows)]

    def drop_columns(self, count: int) -> None:
        """Leave out the first tokens of each row."""
        self.start += count
        self._use(len(self.keys), self.start + self.get_seq_length() - count)

    def join_rows(self, other: "RoomyLayer") -> None:
        """Append rows, so that all rows end together."""
        rows, used, joining = len(self.keys), self.get_seq_length(), other.get_seq_length()
        both, longest = rows + len(other.keys), max(used, joining)
        if self.whole is None or len(self.whole[0]) < both or self.start < longest - used:
            self._move(self.keys, self.values, both, longest, first=longest - used)
        else:
            self.start -= longest - used
        self._use(both, self.start + longest)
        for states, new in ((self.keys, other.keys), (self.values, other.values)):
            # What a row does not see is multiplied by 0, and must be a number.
            states[:rows, :, : longest - used] = 0
            states[rows:, :, : longest - joining] = 0
            states[rows:, :, longest - joining :] = new

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat what was read for each row of a batch."""
        super().batch_repeat_interleave(repeats)
        self.whole = None

    def _count_rows(self, rows: int) -> int:
        """The rows to make room for: those that there was room for, as others may join, unless most have ended."""
        before = len(self.whole[0]) if self.whole else 0
        return before if rows < before < 2 * rows else rows

    def _use(self, rows: int, end: int) -> None:
        assert self.whole
        self.keys, self.values = (whole[:rows, :, self.start : end] for whole in self.whole)

    def _move(self, keys: Any, values: Any, rows: int, length: int, first: int = 0) -> None:
        """Move behind `first` columns of tensors with room for `rows` and more tokens than `length`.

        They are shaped as `keys` and `values` are.
        """
        used, moved = self.get_seq_length(), []
        for states, old in ((keys, self.keys), (values, self.values)):
            wider = states.new_empty((rows, states.shape[1], length + max(ROOM, length // 2), states.shape[-1]))
            if used:
                wider[: len(old), :, first : first + used] = old
            moved.append(wider)
        self.whole, self.start = (moved[0], moved[1]), 0


def make_cache(config: Any) -> DynamicCache:
    """An empty cache for the model; a layer of another kind, as one that sees a window of tokens, is its own."""
    cache = DynamicCache(config=config)
    roomy: Any = RoomyLayer
    cache.layers = [roomy() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def is_plain(cache: DynamicCache) -> bool:
    """Whether all layers see all tokens."""
    return bool(cache.layers) and all(isinstance(layer, RoomyLayer) for layer in cache.layers)


def keep_rows(cache: Any, rows: Sequence[int], device: Any) -> None:
    """Keep some rows of the batch, in this order."""
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.keep_rows(rows)
        else:
            layer.batch_select_indices(torch.tensor(rows, device=device))


def drop_columns(cache: Any, count: int) -> None:
    """Leave out the first tokens of each row of a plain cache."""
    for layer in cache.layers if count else ():
        layer.drop_columns(count)


def join_rows(cache: Any, other: Any) -> None:
    """Append the rows of a plain cache, so that all rows end together."""
    for layer, joining in zip(cache.layers, other.layers, strict=True):
        layer.join_rows(joining)
