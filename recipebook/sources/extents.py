"""The records of a JSON file that is one value: a list, or an object that wraps the records.

In: `[{"a": 1}, {"a": 2}]`, `{"data": [{"a": 1}, {"a": 2}], "info": "…"}` or `{"0": {"a": 1}, "1": {"a": 2}}`, in
blocks of bytes. Out: the text of each record with its line, for the first `JsonText(1, b'{"a": 1}')` and
`JsonText(1, b'{"a": 2}')`. The caller reads each by itself, so that a record means the same as on a line of its own.

A file of any size takes the memory of its largest record, and of one that is too large the beginning.
"""

import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from recipebook.errors import UserError
from recipebook.records import LARGEST
from recipebook.sources.unpacking import BLOCK, Blocks

COMMENTS = ("//", "/*")
WRAPPERS = ("data", "records", "rows", "examples")
LARGEST_VALUE = 4 * LARGEST
MOST_OTHERS = 9

# What a value that is cut by the end of a block may look like: a word such as -Infinity, or an escape.
_LONGEST_WORD = 12
_BLANK = re.compile(r"[ \t\r\n]*")
_MARK = re.compile(r'["\[\]{}]')
_INSIDE = re.compile(r'(?:[^"\\]+|\\.)*', re.DOTALL)


class JsonText(NamedTuple):
    """A record's text, and the line where it begins."""

    line: int
    text: bytes


class ObjectShape(NamedTuple):
    """How an object holds records: under a key, each under a number, a column under each key, or it is one itself."""

    kind: Literal["wrapped", "numbered", "columns", "one"]
    key: str | None = None


def find_items(blocks: Blocks, name: str) -> Iterator[JsonText]:
    """Yield the items of a list, which is the whole file."""
    scan = _Scan(blocks)
    with _placing_faults(name, scan):
        yield from scan.read_items()
        scan.end()


def find_shape(blocks: Blocks, name: str) -> ObjectShape:
    """Look at an object, which is the whole file; its end is not looked at where the records are found before."""
    scan = _Scan(blocks)
    keys, numbered, columns, lists = 0, 0, 0, 0
    with _placing_faults(name, scan):
        for key in scan.read_keys():
            kind = scan.peek()
            if kind == "[" and key in WRAPPERS and scan.peek_item() == "{":
                return ObjectShape("wrapped", key)
            keys += 1
            numbered += kind == "{" and key.isdecimal()
            columns += scan.begins('{"0":')
            # A list of objects may be the turns of one record.
            lists += kind == "[" and scan.peek_item() not in ("{", "]")
            scan.skip()
        scan.end()
    if keys and numbered == keys:
        return ObjectShape("numbered")
    return ObjectShape("columns" if keys and (columns == keys or lists == keys > 1) else "one")


def find_wrapped(blocks: Blocks, name: str, shape: ObjectShape, others: list[str]) -> Iterator[JsonText]:
    """Yield the records of an object of this shape; `others` gains the keys beside them, but not thousands."""
    scan = _Scan(blocks)
    found = False
    with _placing_faults(name, scan):
        for key in scan.read_keys():
            if shape.kind == "numbered":
                yield scan.take()
            elif key == shape.key and not found:
                found = True
                yield from scan.read_items()
            else:
                others += [key] if len(others) < MOST_OTHERS else []
                scan.skip()
        scan.end()


class _Scan:
    """A place in JSON text that moves on from value to value and builds one at a time; the text comes in blocks."""

    def __init__(self, blocks: Blocks) -> None:
        # Latin-1 keeps one character a byte, so lengths agree and invalid UTF-8 is its record's fault alone.
        self._decode = json.JSONDecoder(strict=False, parse_int=float).raw_decode
        self._blocks, self.text, self.at = blocks, "", 0
        # The line of `_counted`, and what stands before the text that is at hand: lines, and columns of the last one.
        self._line, self._counted, self.lines, self.columns = 1, 0, 0, 0
        # How much text was let go of, and when the value here must have ended.
        self._passed, self._must_end_by = 0, math.inf
        self._move(0)

    def read_items(self) -> Iterator[JsonText]:
        self._move(1)
        while self.peek() != "]":
            yield self.take()
            self._separate("]")
        self._move(1)

    def read_keys(self) -> Iterator[str]:
        """Yield each key; the caller moves past its value before it takes the next key."""
        self._move(1)
        while self.peek() != "}":
            if self.peek() != '"':
                raise self._fault("expected a key in double quotes")
            key = self.take().text
            if self.peek() != ":":
                raise self._fault("expected ':'")
            self._move(1)
            yield key[1:-1].decode(errors="replace")
            self._separate("}")
        self._move(1)

    def take(self) -> JsonText:
        """The value here, as text; moves on to what follows it. Of a value too large for a record, its beginning."""
        end = self._find_end()
        self._count(self.at)
        if end is None:
            item = JsonText(self._line, self.text[self.at : self.at + LARGEST + 1].encode("latin-1"))
            self._skip_large()
            return item
        item = JsonText(self._line, self.text[self.at : end].encode("latin-1"))
        self._move(end - self.at)
        return item

    def skip(self) -> None:
        end = self._find_end()
        if end is None:
            self._skip_large()
        else:
            self._move(end - self.at)

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def begins(self, text: str) -> bool:
        """Whether this text stands here."""
        while self.at + len(text) > len(self.text) and self._read_more():
            pass
        return self.text.startswith(text, self.at)

    def peek_item(self) -> str:
        """The first character of the first item of the list here."""
        while (found := _BLANK.match(self.text, self.at + 1)) and found.end() == len(self.text):
            if not self._read_more():
                return ""
        assert found
        return self.text[found.end()]

    def end(self) -> None:
        if self.peek():
            raise self._fault("unexpected content after the end")

    def _find_end(self) -> int | None:
        """Where the value here ends; None if it is too large to be built."""
        while True:
            try:
                _, end = self._decode(self.text, self.at)
                if end < len(self.text) or not self._read_more():
                    return end
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or error.pos + _LONGEST_WORD > len(self.text)
                if cut and len(self.text) - self.at > LARGEST:
                    return None
                if not (cut and self._read_more()):
                    raise

    def _skip_large(self) -> None:
        """Move past a value by its brackets and quotes alone, which takes no memory."""
        self._must_end_by = self._passed + self.at + LARGEST_VALUE
        depth = 0
        while True:
            found = _MARK.search(self.text, self.at) if depth else _MARK.match(self.text, self.at)
            if found is None:
                self.at = len(self.text) if depth else self.at
                if not depth or not self._read_more():
                    raise self._fault(f"a value larger than {LARGEST // 2**20} MiB that does not end")
                continue
            self.at = found.end()
            if found[0] == '"':
                self._skip_string()
            else:
                depth += 1 if found[0] in "[{" else -1
            if not depth:
                self._must_end_by = math.inf
                return self._move(0)

    def _skip_string(self) -> None:
        """Move past the rest of a string."""
        while True:
            inside = _INSIDE.match(self.text, self.at)
            self.at = inside.end() if inside else self.at
            if self.text.startswith('"', self.at):
                self.at += 1
                return
            if not self._read_more():
                raise self._fault("a string that does not end")

    def _separate(self, close: str) -> None:
        if self.peek() == ",":
            self._move(1)
            if self.peek() == close:
                raise self._fault("trailing comma")
        elif self.peek() != close:
            raise self._fault(f"expected ',' or '{close}'")

    def _move(self, count: int) -> None:
        self.at += count
        # Faster than the expression, and mostly enough.
        while self.text[self.at : self.at + 1] <= " ":
            blank = _BLANK.match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.text) or not self._read_more():
                return

    def _read_more(self) -> bool:
        """Let go of what is read and add as much as is left, so that a long value is not looked at too often."""
        left = len(self.text) - self.at
        self._passed += self.at
        if self._passed > self._must_end_by:
            raise self._fault(f"a value larger than {LARGEST_VALUE // 2**20} MiB")
        more, size = list[bytes](), 0
        while size < max(left, BLOCK) and (block := next(self._blocks, None)) is not None:
            more.append(block)
            size += len(block)
        if not size:
            return False
        self._count(self.at)
        feeds = self.text.count("\n", 0, self.at)
        self.columns = self.at - 1 - self.text.rfind("\n", 0, self.at) if feeds else self.columns + self.at
        self.lines += feeds
        self.text = self.text[self.at :] + b"".join(more).decode("latin-1")
        self.at = self._counted = 0
        return True

    def _count(self, at: int) -> None:
        self._line += self.text.count("\n", self._counted, at)
        self._counted = at

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self.text, self.at)


@contextmanager
def _placing_faults(name: str, scan: _Scan) -> Iterator[None]:
    try:
        yield
    except json.JSONDecodeError as error:
        column = error.colno + (scan.columns if error.lineno == 1 else 0)
        fault = "a comment" if error.doc.startswith(COMMENTS, error.pos) else error.msg
        raise UserError(f"{name}:{scan.lines + error.lineno}:{column}: not JSON: {fault}") from error
    except RecursionError as error:
        line = 1 + scan.lines + scan.text.count("\n", 0, scan.at)
        raise UserError(f"{name}:{line}: not JSON: nested too deeply") from error
