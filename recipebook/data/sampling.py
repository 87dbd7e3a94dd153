"""Rows of some kinds alone, or more often than they come: a file of rows in, the same file with fewer or repeats out.

`{field: category, values: {chained_complex: 2.5}}` writes each row of that category twice, and half of them, chosen by
their content, a third time. A weight below 1 leaves rows out. Repeats stand together; the trainer shuffles.
`{field: category, values: [movement]}` keeps the rows of that category.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from recipebook.errors import UserError
from recipebook.files import digest, replacing
from recipebook.recipe.data_keys import Only, Weights


def repeat_rows(path: Path, weights: Weights, seed: int) -> tuple[int, str]:
    """Rewrite the file by the weights; returns its new number of rows, and a line about the change."""
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    with path.open("rb") as rows, replacing(path) as file:
        for line in rows:
            kind = _find_kind(orjson.loads(line)["meta"], weights.field, "data.weights")
            count = _count_copies(line, weights.values.get(kind, 1.0), seed)
            file.writelines([line] * count)
            before[kind] += 1
            after[kind] += count
    if unknown := sorted(weights.values.keys() - before):
        known = ", ".join(sorted(before))
        raise UserError(f"data.weights.values: no train row has {weights.field} {unknown[0]!r}; they have: {known}")
    kinds = ", ".join(f"{kind} {before[kind]} to {after[kind]}" for kind in sorted(weights.values))
    return after.total(), f"weighted by {weights.field}: {before.total()} train rows to {after.total()} ({kinds})"


def keep_rows(path: Path, only: Only) -> tuple[int, str]:
    """Rewrite the file with the rows of these kinds; returns its new number of rows, and a line about the change."""
    before: Counter[str] = Counter()
    with path.open("rb") as rows, replacing(path) as file:
        for line in rows:
            kind = _find_kind(orjson.loads(line)["meta"], only.field, "data.only")
            before[kind] += 1
            if kind in only.values:
                file.write(line)
    kept = {kind: before[kind] for kind in only.values}
    if path.stem == "train" and (unknown := sorted(kind for kind, count in kept.items() if not count)):
        known = ", ".join(sorted(before))
        raise UserError(f"data.only.values: no train row has {only.field} {unknown[0]!r}; they have: {known}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in kept.items())
    return sum(kept.values()), f"only {only.field}: {before.total()} train rows to {sum(kept.values())} ({kinds})"


def _find_kind(meta: dict[str, Any], field: str, section: str) -> str:
    if field not in meta:
        raise UserError(f"{section}.field: rows have no {field!r} in their meta; they have: {', '.join(meta)}")
    return str(meta[field])


def _count_copies(line: bytes, weight: float, seed: int) -> int:
    whole = int(weight)
    drawn = int(digest(str(seed), line), 16) % 10_000 / 10_000
    return whole + (drawn < weight - whole)
