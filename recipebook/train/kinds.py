"""Whether a method can learn from rows: a recipe and its dataset in; an error if some rows are of another kind.

    method dpo learns from preference pairs, and 2 of 40 rows are chats (first: chats.jsonl#3); from those learns sft

A method of one's own, a template of any other name, takes what it likes.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import orjson

from recipebook.data.dataset import Dataset
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.rows import Kind, find_kind

LEARNS_FROM: Mapping[str, tuple[Kind, ...]] = MappingProxyType(
    {
        "sft": ("chat",),
        "pretrain": ("chat",),
        "grpo": ("chat",),
        "dpo": ("pair",),
        "ipo": ("pair",),
        "orpo": ("pair",),
        "simpo": ("pair",),
        "kto": ("pair", "labelled"),
    }
)
NAMES: Mapping[Kind, str] = MappingProxyType(
    {"chat": "chats", "pair": "preference pairs", "labelled": "answers with a label, good or bad"}
)


def check_kinds(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse rows to train on, or to watch training by, that the recipe's method does not learn from."""
    method = recipe.training.method
    wanted = LEARNS_FROM.get(method, ())
    if not wanted or set(dataset.kinds).issubset(wanted):
        return
    rows = list(_read_kinds(dataset))
    wrong = [(kind, origin) for kind, origin in rows if kind not in wanted]
    if wrong:
        kind, origin = wrong[0]
        learning = " or ".join(
            name for name, kinds in LEARNS_FROM.items() if kind in kinds and name not in ("pretrain", "grpo")
        )
        raise UserError(
            f"method {method} learns from {' and '.join(NAMES[one] for one in wanted)}, and {len(wrong)} of "
            f"{len(rows)} rows are {NAMES[kind]} (first: {origin}); from those learns {learning}"
        )


def _read_kinds(dataset: Dataset) -> Iterator[tuple[Kind, str]]:
    for part in ("train", "validation"):
        with dataset.path(part).open("rb") as file:
            for row in map(orjson.loads, file):
                yield find_kind(row), row["meta"]["origin"]
