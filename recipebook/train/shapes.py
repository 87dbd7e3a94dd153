"""The shape of a base model, from its config.json or, for the recipes' own bases, known here: no weights are read.

find_shape("Qwen/Qwen2.5-0.5B-Instruct")    → BaseShape(hidden=896, layers=24, inner=4864, vocabulary=151936, …)
find_shape("nobody/knows-it")               → None
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.project import locate
from recipebook.recipe.base_model import read_context


class BaseShape(NamedTuple):
    """What decides the size of a decoder of Llama's kind: Qwen, Mistral, Gemma and SmolLM are of it too."""

    hidden: int
    layers: int
    inner: int
    """The width between the up and down projections."""
    vocabulary: int
    heads: int
    key_heads: int
    tied: bool = False
    """Whether the output layer is the embedding."""
    head_width: int = 0
    """0: hidden / heads."""

    @property
    def modules(self) -> dict[str, tuple[int, int]]:
        """The inputs and outputs of each projection of a layer."""
        width = self.head_width or self.hidden // self.heads
        queries, keys = self.heads * width, self.key_heads * width
        return {
            "q_proj": (self.hidden, queries),
            "k_proj": (self.hidden, keys),
            "v_proj": (self.hidden, keys),
            "o_proj": (queries, self.hidden),
            "gate_proj": (self.hidden, self.inner),
            "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }

    @property
    def embeddings(self) -> int:
        """Weights of the embedding and of the output layer."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def linear(self) -> int:
        """Weights of all projections of all layers."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.modules.values())


LLAMA_7B = BaseShape(hidden=4096, layers=32, inner=11008, vocabulary=32000, heads=32, key_heads=32)
# From the config.json that each model's own page shows.
KNOWN = {
    "Qwen/Qwen2.5-0.5B-Instruct": BaseShape(896, 24, 4864, 151936, heads=14, key_heads=2, tied=True),
    "codellama/CodeLlama-7b-Python-hf": LLAMA_7B,
    "meta-llama/Llama-3.1-8B-Instruct": BaseShape(4096, 32, 14336, 128256, heads=32, key_heads=8),
    "Qwen/Qwen2.5-14B-Instruct": BaseShape(5120, 48, 13824, 152064, heads=40, key_heads=8),
    "Qwen/Qwen2.5-32B-Instruct": BaseShape(5120, 64, 27648, 152064, heads=40, key_heads=8),
    "codellama/CodeLlama-34b-Python-hf": BaseShape(8192, 48, 22016, 32000, heads=64, key_heads=8),
}


def find_shape(base: str) -> BaseShape | None:
    """The shape of a folder's model, of a known one, or of one that the hub's cache on this machine has."""
    config = _find_config(base)
    return KNOWN.get(base) if config is None else read_shape(config)


def find_context(base: str) -> int | None:
    """The most tokens that a base reads; None where its config.json is not on this machine or does not say."""
    return read_context(_find_config(base) or {})


def read_shape(config: Mapping[str, Any]) -> BaseShape | None:
    """The shape that a config.json describes; None where it is of another kind of model."""
    try:
        heads = config["num_attention_heads"]
        return BaseShape(
            hidden=config["hidden_size"],
            layers=config["num_hidden_layers"],
            inner=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            heads=heads,
            key_heads=config.get("num_key_value_heads") or heads,
            tied=bool(config.get("tie_word_embeddings", False)),
            head_width=config.get("head_dim") or 0,
        )
    except KeyError:
        return None


def _find_config(base: str) -> dict[str, Any] | None:
    """The config.json of a folder's model, or of one that the hub's cache on this machine has."""
    paths = (locate(base) / "config.json", *_list_cached(base))
    return next((json.loads(path.read_bytes()) for path in paths if path.is_file()), None)


def _list_cached(base: str) -> list[Path]:
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    return sorted(hub.glob(f"models--{base.replace('/', '--')}/snapshots/*/config.json"))
