"""A recipe's `matrix` in; its members out: a name each, and what each sets.

    values: {data.options.pole: [joy_plus, joy_minus], lora.r: [4, 8]}      name: "{pole}-r{r}"

    → Member("joy_plus-r4", {"data.options.pole": "joy_plus", "lora.r": 4}), … four of them

Every combination is a member, in the order of the values, the last key's changing first. With `search`, members are
drawn at random, always the same ones with the same seed.
"""

import itertools
import json
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from recipebook.recipe.matrix_keys import Column, Files, Matrix, Range

MANY = 500
# Draws in a row that repeat earlier ones, after which none is left: with n of n + 1 drawn, the last one is still found.
REPEATS = 1000
REPEATS_EACH = 20
_UNFIT = re.compile(r"[^\w.=+-]+", re.ASCII)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Lister = Callable[[str], Sequence[Any]]


@dataclass(frozen=True)
class Member:
    """One adapter of a fleet: `settings` by dotted keys of the recipe."""

    name: str
    settings: Mapping[str, Any]


class MatrixFault(Exception):
    """What is wrong with a matrix, and under which of its keys."""

    def __init__(self, key: tuple[str | int, ...], text: str) -> None:
        super().__init__(text)
        self.key = key
        self.text = text


def expand(matrix: Matrix, list_column: Lister, list_files: Lister, limit: int | None = None) -> list[Member]:
    """All members, or the first `limit` of them; members with the same name are refused."""
    choices = {key: _list_choices(key, matrix, list_column, list_files) for key in matrix.values}
    for key, options in choices.items():
        if not options:
            raise MatrixFault(("values", key), f"matrix.values.{key}: there are no values, so the matrix is empty")
    for at, chosen in enumerate(matrix.exclude):
        _check_keys(("exclude", at), chosen, matrix, whole=False)
    for at, chosen in enumerate(matrix.include):
        _check_keys(("include", at), chosen, matrix, whole=True)
    count = matrix.search.random if matrix.search else math.prod(map(len, choices.values()))
    if limit is None and count + len(matrix.include) > MANY:
        raise MatrixFault((), f"matrix: {count:,} members, and more than {MANY} need LIMIT=; LIMIT=8 trains 8 of them")
    drawn = (
        _draw(matrix, choices) if matrix.search else (dict(zip(choices, one, strict=True)) for one in _cross(choices))
    )
    kept = (one for one in drawn if not any(_agrees(one, left_out) for left_out in matrix.exclude))
    members = [_name(matrix, one) for one in itertools.islice(itertools.chain(kept, matrix.include), limit)]
    if not members:
        raise MatrixFault(("exclude",), "matrix.exclude leaves no member, so the matrix is empty")
    _check_names(members)
    return members


def apply(settings: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """A recipe's data with a member's settings."""
    merged = dict(data)
    for dotted, value in settings.items():
        *path, last = dotted.split(".")
        section = merged
        for key in path:
            inner = section.get(key) or {}
            if not isinstance(inner, dict):
                raise MatrixFault(("values", dotted), f"matrix.values: '{key}' in {dotted} is a value and has no keys")
            section[key] = dict(inner)
            section = section[key]
        section[last] = value
    return merged


def _list_choices(key: str, matrix: Matrix, list_column: Lister, list_files: Lister) -> Sequence[Any]:
    match matrix.values[key]:
        case Column(column=column):
            return list_column(column)
        case Files(files=pattern):
            return list_files(pattern)
        case Range() as drawn:
            if matrix.search is None:
                raise MatrixFault(("values", key), f"matrix.values.{key}: a range needs search: {{random: N}}")
            return (drawn,)
        case values:
            return values


def _cross(choices: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    return itertools.product(*choices.values())


def _draw(matrix: Matrix, choices: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Combinations drawn without repeats, all of them where there are fewer.

    Ranges are rounded to three digits, so that a narrow one has few values. How many is known by drawing: after very
    many draws in a row that were there already, none is left.
    """
    assert matrix.search
    rng = random.Random(matrix.search.seed)
    seen: list[dict[str, Any]] = []
    known: set[str] = set()
    repeated = 0
    endless = any(isinstance(option, Range) for options in choices.values() for option in options)
    total = math.prod(map(len, choices.values()))
    wanted = matrix.search.random if endless else min(matrix.search.random, total)
    while len(seen) < wanted and repeated < REPEATS + REPEATS_EACH * len(seen):
        one = {key: _draw_one(rng.choice(options), rng) for key, options in choices.items()}
        drawn = json.dumps(one)
        repeated = repeated + 1 if drawn in known else 0
        if not repeated:
            seen.append(one)
            known.add(drawn)
    return iter(seen)


def _draw_one(option: Any, rng: random.Random) -> Any:
    if not isinstance(option, Range):
        return option
    if option.scale == "linear":
        drawn = rng.uniform(option.low, option.high)
    else:
        drawn = math.exp(rng.uniform(math.log(option.low), math.log(option.high)))
    return float(f"{drawn:.3g}")


def _check_keys(place: tuple[str | int, ...], chosen: Mapping[str, Any], matrix: Matrix, *, whole: bool) -> None:
    known = ", ".join(matrix.values)
    for key in chosen:
        if key not in matrix.values:
            raise MatrixFault((*place, key), f"matrix.{place[0]}: no '{key}' in matrix.values; it has: {known}")
    missing = [key for key in matrix.values if key not in chosen]
    if whole and missing:
        raise MatrixFault(place, f"matrix.include: missing '{missing[0]}'; a member needs all of: {known}")


def _agrees(one: Mapping[str, Any], left_out: Mapping[str, Any]) -> bool:
    return all(one[key] == value for key, value in left_out.items())


def _name(matrix: Matrix, settings: Mapping[str, Any]) -> Member:
    words: dict[str, str] = {}
    for key, value in settings.items():
        words[key] = words[key.rpartition(".")[2]] = _format_value(value, isinstance(matrix.values[key], Files))
    if matrix.name is None:
        return Member("-".join(words[key] for key in settings), settings)

    def fill(found: re.Match[str]) -> str:
        if found[1] not in words:
            known = ", ".join(f"{{{key.rpartition('.')[2]}}}" for key in matrix.values)
            raise MatrixFault(("name",), f"matrix.name: no '{found[0]}' among the values; there are: {known}")
        return words[found[1]]

    return Member(_UNFIT.sub("_", _PLACEHOLDER.sub(fill, matrix.name)), settings)


def _format_value(value: Any, is_file: bool) -> str:
    text = PurePath(value).stem if is_file else "-".join(map(str, value)) if isinstance(value, list) else str(value)
    return _UNFIT.sub("_", text)


def _check_names(members: Sequence[Member]) -> None:
    known: dict[str, Member] = {}
    for member in members:
        # Some file systems do not distinguish case.
        other = known.setdefault(member.name.lower(), member)
        if other is not member:
            ours, theirs = dict(member.settings), dict(other.settings)
            raise MatrixFault(("name",), f"matrix.name: two members are called '{member.name}': {theirs} and {ours}")
        if not member.name.strip("._-="):
            raise MatrixFault(("name",), f"matrix.name: '{member.name}' is no name for a folder")
