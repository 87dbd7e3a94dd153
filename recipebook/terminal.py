"""The output of commands: labelled lines, tables in columns, and the numbers in them.

    print_field("found", "runs/robot-lora-20261120-141503: same recipe, data and versions")
    align([("run", "loss"), ("robot-lora-20261120-141503", "0.0312")])

found     runs/robot-lora-20261120-141503: same recipe, data and versions
run                         loss
robot-lora-20261120-141503  0.0312

    format_decimals(0.0003, 3, "+")  → "+0.0003"
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

LABEL_CHARS = 9
COLUMNS = 80
# A sum of floats that would be 0 without rounding is off by less.
NOTHING = 1e-9
GREEN, PLAIN = "\x1b[32m", "\x1b[0m"
# What a terminal obeys or cannot write: control characters but for tabs and line feeds, marks that turn the direction
# of writing, and the halves of characters by which Python reads a name that is not UTF-8.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_PLURAL = re.compile(r"s\b")
# A label and the blanks after it, or blanks alone where a line continues the one above it.
_LABELLED = re.compile(r"(?:\S+(?: \S+)?)?  +|\S.{7}\S (?=\S)")

# Stand for the colours while a line is folded; no clean text has them.
_OPENING, _CLOSING = "\x0e", "\x0f"


def clean(text: str) -> str:
    r"""A text of which a terminal obeys nothing: `\x1b[2J` becomes `\u001b[2J`, as JSON writes it."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) if _OBEYED.search(text) else text


class CleanStream:
    """A stream to which only clean text is written. Progress lines are written to the stream itself.

    A terminal gets lines that fit it; a pipe or a file gets each line whole, as programs search it.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text; a carriage return at its beginning, by which libraries redraw a line, stays."""
        redrawn = text.removeprefix("\r")
        lines = clean(redrawn)
        if self.stream.isatty() and redrawn == text:
            lines = fold(lines, shutil.get_terminal_size().columns)
        self.stream.write(text[: len(text) - len(redrawn)] + lines)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self.stream, name)


@contextmanager
def clean_output() -> Iterator[None]:
    """Let everything that is printed meanwhile pass a CleanStream, whatever data, names or manifests it quotes."""
    plain = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, CleanStream(stream)) for stream in plain)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = plain


def find_plain(stream: TextIO) -> TextIO:
    """The stream beneath a CleanStream, for what moves the cursor or colours on purpose."""
    return stream.stream if isinstance(stream, CleanStream) else stream


def print_painted(label: str, pieces: Iterable[tuple[str, bool]]) -> None:
    """Print texts on one line; those marked true in green on a terminal, and in double brackets elsewhere."""
    stream = find_plain(sys.stdout)
    cleaned = [(clean(text.replace("\n", "\\n")), marked) for text, marked in pieces]
    line = label + "".join(f"{_OPENING}{text}{_CLOSING}" if marked else text for text, marked in cleaned)
    opening, closing = "[[", "]]"
    if stream.isatty():
        opening, closing, line = GREEN, PLAIN, fold(line, shutil.get_terminal_size().columns)
    print(line.replace(_OPENING, opening).replace(_CLOSING, closing), file=stream, flush=True)


def print_field(label: str, text: str) -> None:
    """Print a line; one without a label continues the line above it."""
    print(format_field(label, text))


def format_field(label: str, text: str) -> str:
    """`found     runs/robot-lora-20261120-141503`"""
    return f"{label:<{LABEL_CHARS}} {text}"


def align(rows: Sequence[Sequence[str]]) -> str:
    """A line a row, every column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def fit(rows: Sequence[Sequence[str]], names: int = 1) -> str:
    """`align` for 80 columns: where that is too wide, the first cells of each row have a line of their own.

    `names` counts these cells. A longer name stays whole: a terminal folds its line.
    """
    whole = align(rows)
    if max(map(len, whole.splitlines())) <= COLUMNS:
        return whole
    heads = align([row[:names] for row in rows]).splitlines()
    # Below a name of several cells, figures begin where its last cell does.
    before = [max(map(len, column)) * " " for column in list(zip(*rows, strict=True))[: names - 1]]
    indented = align([(*(before or [""]), *row[names:]) for row in rows]).splitlines()
    return "\n".join(line for pair in zip(heads, indented, strict=True) for line in pair)


def fold(text: str, columns: int) -> str:
    """Break a text at blanks into lines of at most `columns`; a word that is longer, such as a path, stays whole.

    What follows a label begins below the label's text, and what follows any other line is indented.
    """
    if len(text) <= columns:
        return text
    return "\n".join(_fold_line(line, columns) if len(line) > columns else line for line in text.split("\n"))


def _fold_line(line: str, columns: int) -> str:
    label = _LABELLED.match(line)
    begun = label[0] if label else ""
    return textwrap.fill(
        line[len(begun) :],
        columns,
        initial_indent=begun,
        subsequent_indent=" " * (len(begun) or 2),
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
        expand_tabs=False,
    )


def wrap(text: str) -> str:
    """A sentence in lines of at most 80 columns, those after the first indented."""
    return "\n".join(textwrap.wrap(text, COLUMNS, subsequent_indent="  ", break_long_words=False))


def format_count(count: int, names: str) -> str:
    """`12 test rows`, `1 test row`: the first word that ends in -s is the one that is counted."""
    return f"{count} {_PLURAL.sub('', names, count=1) if count == 1 else names}"


def format_decimals(value: float, decimals: int, sign: str = "") -> str:
    """The value with some decimals, or with its first digit where those would all be 0; zero has no minus.

    A reader takes +0.000 for no difference, so what is not zero is never shown as zero.
    """
    kept = 0.0 if abs(value) < NOTHING else value
    text = f"{kept:{sign}.{decimals}f}"
    return text if kept == 0 or float(text) else f"{kept:{sign}.1g}"
