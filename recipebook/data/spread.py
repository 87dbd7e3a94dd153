"""A source converted in parts by whoever does them, such as the nodes of a cluster: a converter's name and a source in;
the rows and the account of an ordinary conversion, to the byte, out.

    convert_spread("robot", "data/*.jsonl", Path("rows.jsonl"), {}, 0, map_in_order)

A part is a span of a file whose lines can be cut, else a whole file. Each leaves its rows in a file of the cache, which
all nodes see, and returns its own account; both are put together in the order of the source.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.data.account import Account, Ledger
from recipebook.data.conversion import BUFFER, close_account, convert_file, convert_records, cut_input, draw_reading
from recipebook.data.converter import choose_converter, find_converter
from recipebook.files import replacing
from recipebook.options import check_options
from recipebook.progress import ProgressLine
from recipebook.project import CACHE
from recipebook.sources.inputs import Input, find_inputs, note_deeper
from recipebook.sources.json_files import read_span
from recipebook.sources.lines import LineSpan


class Part(NamedTuple):
    """What one task converts, said so that another machine understands it."""

    converter: str
    options: Mapping[str, Any]
    here: Path
    """The folder from which `source` is named."""
    source: str
    number: int
    """Of the input among those of the source."""
    span: LineSpan | None
    """None: the whole input."""
    folder: Path
    """Where the rows go."""


class Made(NamedTuple):
    """A part's rows and its account."""

    rows: Path
    ledger: Ledger


Spread = Callable[[Callable[[Part], Made], Sequence[Part]], Iterator[Made]]
"""Calls a function with each part, wherever that may be; the results come in the order of the parts."""


def convert_spread(
    converter: str, source: str, out: Path, options: Mapping[str, Any], rejects: int | str, spread: Spread
) -> Account:
    """As `convert_file`, with the parts done by `spread`."""
    ledger, line = Ledger(), ProgressLine("convert")
    inputs = find_inputs(source, Path())
    ledger.notes |= note_deeper(source, inputs)
    found = choose_converter(converter, source, inputs, ledger.notes, options, rejects)
    if found.choose_join(check_options(found.options, options, f"converter {found.name}")):
        # Records that belong together may stand in different parts.
        return convert_file(converter, source, out, options, rejects)
    CACHE.mkdir(exist_ok=True)
    with replacing(out) as file, tempfile.TemporaryDirectory(prefix="parts.", dir=CACHE) as folder:
        cutting: list[Ledger] = []
        make = partial(Part, found.name, options, Path.cwd(), source, folder=Path(folder))
        parts = [make(number=number, span=span) for number, each in enumerate(inputs) for span in _cut(each, cutting)]
        last = -1
        for part, made in zip(parts, spread(convert_part, parts), strict=True):
            if part.number != last:
                # What was noted while the input was cut stands before what its parts note.
                ledger.add(cutting[part.number])
                last = part.number
            with made.rows.open("rb") as rows:
                shutil.copyfileobj(rows, file, BUFFER)
            made.rows.unlink()
            ledger.add(made.ledger)
            inputs[part.number].position.done = part.span.end if part.span else _measure(inputs[part.number])
            draw_reading(line, inputs, ledger)
        line.clear()
        return close_account(ledger, source, rejects)


def convert_part(part: Part) -> Made:
    """Convert one part; a second try, after a node has died, writes another file."""
    os.chdir(part.here)
    each = find_inputs(part.source, Path())[part.number]
    found = find_converter(part.converter)
    options = check_options(found.options, part.options, f"converter {found.name}")
    ledger = Ledger()
    if part.span:
        assert each.plain
        records = read_span(each.plain, each.name, ledger.notes, part.span)
    else:
        records = each.read(ledger.notes)
    with tempfile.NamedTemporaryFile(dir=part.folder, delete=False) as file:
        for one in convert_records(records, each.name, found, options, ledger):
            file.writelines(one.lines)
    return Made(Path(file.name), ledger)


def _cut(source: Input, cutting: list[Ledger]) -> Sequence[LineSpan | None]:
    """The spans of an input, or one None; what is noted on the way is added to `cutting`."""
    cutting.append(Ledger())
    spans = cut_input(source, cutting[-1])
    return list(spans) if spans else [None]


def _measure(source: Input) -> int:
    return source.path.stat().st_size if source.path and source.path.is_file() else 0
