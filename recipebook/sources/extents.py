"""Where each record stands in a JSON file that is one value: a list, or an object that wraps the records.

In: `[{"a": 1}, {"a": 2}]`, `{"data": [{"a": 1}, {"a": 2}], "info": "…"}` or `{"0": {"a": 1}, "1": {"a": 2}}`.
Out: extents in bytes, for the first (1, 9) and (11, 19). The caller reads each extent by itself, so that a record
means the same here as on a line of its own.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from recipebook.errors import UserError

WRAPPERS = ("data", "records", "rows", "examples")

Extent = tuple[int, int]


class Wrapped(NamedTuple):
    """The records of an object, the key they stand under (None: each has a key of its own), and the other keys."""

    key: str | None
    others: list[str]
    extents: list[Extent]


def find_items(data: bytes, name: str) -> Iterator[Extent]:
    """Yield the extents of the items of a list, which is all of `data`."""
    scan = _Scan(data)
    with _telling(name, scan):
        yield from scan.items()
        scan.end()


def find_wrapped(data: bytes, name: str) -> Wrapped | None:
    """Find the records in an object, which is all of `data`; None when it wraps none."""
    scan = _Scan(data)
    under, others = None, list[str]()
    listed, numbered = list[Extent](), list[Extent]()
    with _telling(name, scan):
        for key in scan.fields():
            kind = scan.peek()
            if kind == b"[" and key in WRAPPERS and under is None:
                under, listed = key, list(scan.items())
                continue
            others.append(key)
            extent = scan.skip()
            if kind == b"{" and key.isdecimal():
                numbered.append(extent)
        scan.end()
    if listed and data[listed[0][0] : listed[0][0] + 1] == b"{":
        return Wrapped(under, others, listed)
    return Wrapped(None, [], numbered) if numbered and len(numbered) == len(others) and not under else None


class _Scan:
    """A place in JSON text that moves on from value to value and builds one at a time."""

    def __init__(self, data: bytes) -> None:
        # Latin-1 keeps one character a byte, so positions agree and invalid UTF-8 is its record's fault alone.
        self.data, self.text, self.at = data, data.decode("latin-1"), 0
        self._decode = json.JSONDecoder(strict=False, parse_int=float).raw_decode
        self._move(0)

    def items(self) -> Iterator[Extent]:
        self._move(1)
        while self.peek() != b"]":
            yield self.skip()
            self._separate(b"]")
        self._move(1)

    def fields(self) -> Iterator[str]:
        """Yield each key; the caller moves past its value before it takes the next key."""
        self._move(1)
        while self.peek() != b"}":
            if self.peek() != b'"':
                raise self._fault("expected a key in double quotes")
            start, end = self.skip()
            if self.peek() != b":":
                raise self._fault("expected ':'")
            self._move(1)
            yield self.data[start + 1 : end - 1].decode(errors="replace")
            self._separate(b"}")
        self._move(1)

    def skip(self) -> Extent:
        start = self.at
        _, self.at = self._decode(self.text, start)
        extent = start, self.at
        self._move(0)
        return extent

    def peek(self) -> bytes:
        return self.data[self.at : self.at + 1]

    def end(self) -> None:
        if self.at < len(self.data):
            raise self._fault("unexpected content after the end")

    def _separate(self, close: bytes) -> None:
        if self.peek() == b",":
            self._move(1)
            if self.peek() == close:
                raise self._fault("trailing comma")
        elif self.peek() != close:
            raise self._fault(f"expected ',' or '{close.decode()}'")

    def _move(self, count: int) -> None:
        self.at += count
        while self.peek() in (b" ", b"\t", b"\r", b"\n"):
            self.at += 1

    def _fault(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self.text, self.at)


@contextmanager
def _telling(name: str, scan: _Scan) -> Iterator[None]:
    try:
        yield
    except json.JSONDecodeError as error:
        raise UserError(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        line = 1 + scan.data.count(b"\n", 0, scan.at)
        raise UserError(f"{name}:{line}: not JSON: nested too deeply") from error
