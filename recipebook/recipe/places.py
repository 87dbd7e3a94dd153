"""Plain data with the place in a file of every key and value in it: what merging and messages work on.

Document({"model": {"base": "models/tiny-base"}}, places)
places[("model", "base")].key is recipes/x.yaml:2:3, .value recipes/x.yaml:2:9
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Any, NamedTuple

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, order=True)
class Place:
    """Where something is written: lines and columns count from 1; line 0 means the command line."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """The place as errors begin with it: `recipes/robot.yaml:3:5`."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Spot(NamedTuple):
    """The place of a value and that of the key it stands under (for the whole and for list items, the same)."""

    key: Place
    value: Place


Places = dict[KeyPath, Spot]


@dataclass(frozen=True)
class Document:
    """A YAML mapping and where its parts are written."""

    data: dict[str, Any]
    places: Places


def place_of(places: Places, path: KeyPath, on_key: bool = False) -> Place:
    """Where `path` is written, or the nearest thing around it that is."""
    while path not in places:
        path = path[:-1]
    return places[path].key if on_key else places[path].value


def forget(places: Places, paths: Set[KeyPath]) -> None:
    """Drop the places of some keys and of all that stands under them."""
    if paths:
        for known in [known for known in places if is_under(known, paths)]:
            del places[known]


def is_under(path: KeyPath, tops: Set[KeyPath]) -> bool:
    """Whether a path is one of `tops` or stands under one."""
    # A loop: merging asks this of every place, again and again.
    for length in range(1, len(path) + 1):  # noqa: SIM110
        if path[:length] in tops:
            return True
    return False
