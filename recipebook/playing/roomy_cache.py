"""Keys and values of a batch's tokens, with room for those to come: a model's cache that is not copied at each token.

    make_cache(config)           a cache as the model's own, but for its plain layers
    keep_rows(cache, [0, 4, 2], device)  the rows whose answers go on; row 4 takes the place of one that ended

transformers' own layer makes a new tensor of all keys for every token, and again for every answer that ends. Here a
token is written into room that was set aside, and the last rows move into the places of those that ended.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

# Tokens that room is made for at a time.
ROOM = 32


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer whose `keys` and `values` are the used part of larger tensors."""

    keys: Any
    values: Any
    whole: tuple[Any, Any] | None = None

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Append some tokens; all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        used = self.get_seq_length()
        end = used + key_states.shape[-2]
        if self.whole is None or end > self.whole[0].shape[-2]:
            self.whole = self._widen(key_states, end + ROOM), self._widen(value_states, end + ROOM, of_values=True)
        rows = key_states.shape[0]
        self.keys, self.values = (whole[:rows, :, :end] for whole in self.whole)
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

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat what was read for each row of a batch."""
        super().batch_repeat_interleave(repeats)
        self.whole = None

    def _widen(self, states: Any, length: int, *, of_values: bool = False) -> Any:
        wider = states.new_empty((*states.shape[:2], length, states.shape[-1]))
        used = self.get_seq_length()
        if used:
            wider[:, :, :used] = self.values if of_values else self.keys
        return wider


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
