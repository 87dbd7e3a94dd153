"""Records of a table with a header line: CSV, or TSV, whose fields are separated by tabs.

In: a CSV file

    input,output
    stop,robot.stop()

Out: `Record(1, 2, {"input": "stop", "output": "robot.stop()"})`. Fields are strings, whatever they hold.
"""

import csv
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import orjson

from recipebook.errors import UserError, on_one_line
from recipebook.records import LARGEST, Record, Value, parse, require_some
from recipebook.rows import BadRecord
from recipebook.sources.blocks import Position, read_blocks
from recipebook.sources.lines import split_lines

LARGEST_ROW = 4 * LARGEST
OTHER_SEPARATORS = (";", "\t", "|")


def read_table(
    path: Path, name: str, position: Position, notes: dict[str, str], separator: str = ","
) -> Iterator[Record]:
    """Yield a table's rows; a row with too many or too few fields is a bad record."""
    return require_some(_read_rows(path, name, position, separator), name)


read_tabbed_table = partial(read_table, separator="\t")


def _read_rows(path: Path, name: str, position: Position, separator: str) -> Iterator[Record]:
    csv.field_size_limit(LARGEST)
    lines = _TableLines(path, name, position)
    reader = csv.reader(lines, strict=True, delimiter=separator)
    try:
        header = next(reader, [])
        _check_header(header, name, separator)
        number, line = 0, reader.line_num + 1
        for row in reader:
            lines.taken = 0
            if row:
                number += 1
                value = _make_json(dict(zip(header, row, strict=False)))
                if len(row) != len(header):
                    value = BadRecord(f"has {len(row)} fields, the header {len(header)}")
                yield Record(number, line, value)
            line = reader.line_num + 1
    except csv.Error as error:
        kind = "CSV" if separator == "," else "TSV"
        raise UserError(f"{name}:{reader.line_num}: not {kind}: {error}") from error


def _check_header(header: list[str], name: str, separator: str) -> None:
    known = set[str]()
    for column in header:
        if column in known:
            raise UserError(f"{name}:1: two columns are called '{on_one_line(column)[:100]}'")
        if not column.isascii() and any("\udc80" <= sign <= "\udcff" for sign in column):
            raise UserError(f"{name}:1: the column '{on_one_line(column)}' is not UTF-8")
        known.add(column)
    others = [other for other in OTHER_SEPARATORS if len(header) == 1 and other in header[0]]
    if others and separator == ",":
        raise UserError(
            f"{name}:1: one column, '{on_one_line(header[0][:80])}': separate fields by commas, not by {others[0]!r}, "
            "or by tabs in a file that ends in .tsv"
        )


class _TableLines:
    """The lines of a table; a row of many lines may not grow for ever."""

    def __init__(self, path: Path, name: str, position: Position) -> None:
        # Carriage returns are CSV's own, nothing to note; bytes that are not UTF-8 are their record's fault alone.
        found = split_lines(read_blocks(path, name, position), name, {"crlf": ""})
        self._texts = ((at, text) for line, texts, _ in found for at, text in enumerate(texts, line))
        self._name = name
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        at, text = next(self._texts)
        self.taken += len(text)
        if len(text) > LARGEST or self.taken > LARGEST_ROW:
            what, limit = ("line", LARGEST) if len(text) > LARGEST else ("row", LARGEST_ROW)
            raise UserError(f"{self._name}:{at}: a {what} larger than {limit // 2**20} MiB")
        decoded = text.decode(errors="surrogateescape")
        return decoded.removeprefix("\ufeff") if at == 1 else decoded


def _make_json(fields: dict[str, str]) -> Value:
    """Pass the fields through JSON, so that a row means what it would in JSONL."""
    try:
        return parse(orjson.dumps(fields))
    except orjson.JSONEncodeError:
        return BadRecord("not UTF-8")
