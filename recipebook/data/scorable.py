"""Held-out rows and a recipe's metrics in; how many of the references each metric can score, out, before training.

    {"robot": {}} and 650 rows → ["robot: 649 of 650 test references can be scored; the first that cannot is of
                                   samples/robot.json#12: 'I cannot do that.'"]

A reference that a metric cannot read scores in none of its figures, so a test set of them would say nothing. What an
answer says in calls or thoughts is text that the chat template writes: such rows are written to a file, and their texts
come from who has the tokenizer (trainer/preview.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from recipebook.errors import on_one_line
from recipebook.files import replacing
from recipebook.modules import METRIC, load
from recipebook.options import check_options
from recipebook.rows import Message, find_reference
from recipebook.suggestions import shorten

Row = dict[str, Any]
# To read a call takes some twenty microseconds, and to write one by the chat template three hundred.
MOST = 5_000


def write_templated(rows: Path, to: Path) -> None:
    """Write the rows whose reference only the chat template can write; no file where there are none."""
    templated = [row for row in islice(_read(rows), MOST) if _is_templated(row)]
    if templated:
        with replacing(to) as file:
            file.writelines(orjson.dumps(row) + b"\n" for row in templated)


def format_scorable(
    metrics: Mapping[str, Mapping[str, Any]], rows: Path, part: str, texts: Sequence[str | None] = ()
) -> list[str]:
    """A line for each metric; `texts` are the references of the rows that `write_templated` writes, None for broken."""
    written = iter(texts)
    read = [
        (row, next(written, None) if _is_templated(row) else _read_content(row)) for row in islice(_read(rows), MOST)
    ]
    some = f"the first {len(read)}" if len(read) == MOST else str(len(read))
    lines = []
    for name, options in metrics.items():
        can_score = _make_test(name, options)
        others = [each for each in read if not can_score(*each)]
        known = f"{name}: {len(read) - len(others)} of {some} {part} references can be scored"
        lines.append(known + (_describe_first(*others[0]) if others else ""))
    return lines


def _describe_first(row: Row, text: str | None) -> str:
    shown = f": {shorten(repr(text))}" if text is not None else ""
    return f"; the first that cannot is of {on_one_line(row['meta']['origin'])}{shown}"


def _make_test(name: str, options: Mapping[str, Any]) -> Callable[[Row, str | None], bool]:
    """Whether a metric can score a row: by the texts whose likelihood it measures, or by its reader of answers."""
    module = load(METRIC, name)
    measures = getattr(module, "MEASURES", ())
    if "chosen" in measures:
        return lambda row, text: "chosen" in row
    if "spans" in measures:
        return lambda row, text: bool(row.get("spans"))
    if hasattr(module, "make_reader"):
        reader = module.make_reader(check_options(module.Options, options, f"metric {name}"))
        return lambda row, text: text is not None and reader(text) is not None
    return lambda row, text: text is not None


def _is_templated(row: Row) -> bool:
    answer = _find_answer(row)
    return bool(answer and (answer.get("tool_calls") or answer.get("reasoning_content")))


def _read_content(row: Row) -> str | None:
    answer = _find_answer(row)
    return answer["content"] if answer else None


def _find_answer(row: Row) -> Message | None:
    found = find_reference(row)
    return found.answer if found else None


def _read(rows: Path) -> Iterator[Row]:
    with rows.open("rb") as file:
        yield from map(orjson.loads, file)
