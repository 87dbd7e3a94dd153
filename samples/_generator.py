"""What all generators share: sizes and a seed from the command line in, one file of records out.

    write_sample(__doc__, make, count=2400, seed=7)  # --count, --seed and --out, of which only the last is required

`draw_new` draws until a text was not drawn before, so that no generator repeats itself.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from recipebook.files import write_text

TRIES = 10_000

Made = TypeVar("Made")
write_compact = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def write_sample(
    description: str | None,
    make: Callable[..., Iterable[Mapping[str, Any]]],
    write: Callable[[Any], str] = write_compact,
    **defaults: int,
) -> None:
    """Make records by the command line's arguments and write them, a line each."""
    arguments = read_arguments(description, **defaults)
    out = arguments.pop("out")
    write_text(out, "".join(write(record) + "\n" for record in make(**arguments)))


def read_arguments(description: str | None, **defaults: int) -> dict[str, Any]:
    """The numbers that `make` takes, and the file."""
    return vars(make_parser(description, **defaults).parse_args())


def make_parser(description: str | None, **defaults: int) -> argparse.ArgumentParser:
    """A parser of these numbers and of the file, which is required."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--out", type=Path, required=True)
    return parser


def draw_new(draw: Callable[[], tuple[str, Made]], seen: set[str], what: str) -> tuple[str, Made]:
    """A text that was not drawn before, and the record drawn with it; fails when no new text comes up."""
    for _ in range(TRIES):
        text, made = draw()
        if text not in seen:
            seen.add(text)
            return text, made
    raise SystemExit(f"no more than {len(seen)} different {what}")
