r"""The arguments of a call, as models and annotators write them: text in, values out, and back.

In: `query='women's shoes', max_price=20.5, sizes=[38, 39]` or `GL("freebase"), "transe:relation", entity#/m/0gs9p`.
Out: `({"query": "women's shoes", "max_price": 20.5, "sizes": [38, 39]}, [])`, the named ones and the others, or
`({}, ['GL("freebase")', "transe:relation", "entity#/m/0gs9p"])`.

A quote that nobody escaped ends its string only where an argument can end; of a string that begins with a bracket,
that is behind the bracket's partner. Anything that is not a string,
number, list or object stays text. One object alone, with strings for keys, is the named arguments themselves. Any text
can be read, in linear time. From a text that `format_arguments` wrote, the same arguments are read.
"""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

DEEPEST = 20
"""Values nested deeper than this stay text, and are not written."""

CLEAN_STRING = r"""(?:'(?:[^'\\]++|\\.)*+'|"(?:[^"\\]++|\\.)*+")(?=\s*+[,)\]}:])"""
"""A string with every quote in it escaped, where an argument can end."""

OPENING = r"(?:<tool>\s*+|\[)[A-Za-z_][A-Za-z0-9_.]*+\("
"""The opening of a call; of all strings, only a clean one may contain it."""

_STRAY_END = r"(?=\s*+(?:\)\s*+(?:[\]),]|</tool>|-->)|[\]}]\s*+[,)\]}]|,\s*+(?:\w++\s*+=|[\"'\[{(\d-])))"
_STRAY = {quote: re.compile(f"(?P<end>{quote}){_STRAY_END}|{OPENING}") for quote in "'\""}
_STRING = re.compile(CLEAN_STRING, re.DOTALL)
_PART = re.compile(rf"[^()\[\]{{}},=:]++|([(\[{{,=:])\s*+({CLEAN_STRING})?+|([)\]}}])", re.DOTALL)
_BLANK = re.compile(r"\s*+")
_END = re.compile(r"\s*+(?:[,)\]}:]|$)")
_OPENED = re.compile(OPENING)
_NAME = re.compile(r"([^\W\d]\w*+)\s*+=\s*+")
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?+([eE][+-]?[0-9]{1,3})?+")
_WORDS = {"True": True, "true": True, "False": False, "false": False, "None": None, "null": None}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_EFFORT = 4
_CLOSERS = {"[": "]", "{": "}"}
_TO_ESCAPE = re.compile(rf"[\\'\n]|(?=(?:{OPENING})).")
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "<": "\\x3c", "[": "\\x5b"}


class Arguments(NamedTuple):
    """The arguments of a call: by name, and by position."""

    named: dict[str, Any]
    positional: list[Any]


def read_arguments(text: str, start: int, closing: int, end: int) -> Arguments:
    """Read the arguments between the brackets at `start` and `closing`; the whole call ends at `end`."""
    reader = _ArgumentReader(text, end)
    named, positional, at = reader.read_items(start + 1)
    if at != closing:
        return Arguments({}, [text[start + 1 : closing].strip()])
    if len(positional) == 1 and not named and type(positional[0]) is dict:
        return Arguments(positional[0], [])
    return Arguments(named, positional)


def format_arguments(arguments: Mapping[str, Any]) -> str:
    """Write named arguments on one line; raises ValueError for what has no written form."""
    if all(map(str.isidentifier, arguments)) and "".join(arguments).isascii():
        return ", ".join([f"{name}={_format_value(value, 0)}" for name, value in arguments.items()])
    return _format_value(arguments, 0)


def find_closing(text: str, start: int, end: int) -> int | None:
    """Find the bracket that closes the one at `start`, strings aside; None if there is none up to `end`."""
    return _ArgumentReader(text, end).find_closing(start)


class _ArgumentReader:
    """A text being read up to `end`."""

    def __init__(self, text: str, end: int) -> None:
        self.text = text
        self.end = end
        self.dead = ""
        """Quotes that end no stray string from here on; searching for them again would not be linear."""
        self.effort = _EFFORT * len(text)
        """How many characters may still be read to find the partners of brackets in strings."""

    def read_items(self, at: int) -> tuple[dict[str, Any], list[Any], int]:
        """Read arguments up to the bracket that closes them; its place comes last."""
        named: dict[str, Any] = {}
        positional: list[Any] = []
        while (at := self._skip_blank(at)) < self.end and self.text[at] not in ")]}":
            name, begun = _NAME.match(self.text, at, self.end), at
            value, at = self._read_value(name.end() if name else at, ",", 0)
            if name and name[1] in named:
                # A name that is given twice is no argument of its own.
                positional.append(self.text[begun:at].strip())
            elif name:
                named[name[1]] = value
            elif value != "":
                positional.append(value)
            if at < self.end and self.text[at] == ",":
                at += 1
        return named, positional, at

    def find_closing(self, at: int, stops: str = "") -> int | None:
        """Find the bracket that closes the one at `at`; with `stops`, find the end of the value at `at` instead."""
        depth = 0
        while part := _PART.match(self.text, at, self.end):
            if part.end() == at:
                return None
            if part[1]:
                if part[1] in stops and not depth:
                    return at
                depth += part[1] in "([{"
            elif part[3]:
                if not depth:
                    return at
                depth -= 1
                if not depth and not stops:
                    return at
            at = part.end() if not part[1] or part[2] else self._skip_stray(part.end())
        return None

    def _skip_blank(self, at: int) -> int:
        return _BLANK.match(self.text, at, self.end).end()  # type: ignore[union-attr]

    def _skip_stray(self, at: int) -> int:
        return (self._find_stray_end(at) or at) if at < self.end and self.text[at] in "'\"" else at

    def _find_stray_end(self, at: int) -> int | None:
        quote = self.text[at]
        if at + 1 < self.end and self.text[at + 1] in "[{" and (end := self._find_end_behind_brackets(at)):
            return end
        if quote not in self.dead:
            found = _STRAY[quote].search(self.text, at + 1, self.end)
            if found and found["end"]:
                return found.end()
            self.dead += quote
        return None

    def _find_end_behind_brackets(self, at: int) -> int | None:
        """The end of a string that is one list or object, such as `'[{'name': 'pulse'}]'`, with quotes of its own."""
        effort, self.effort = self.effort, 0
        # With no effort left, a string in this one is not looked at in the same way.
        closing = self.find_closing(at + 1) if effort > 0 else None
        self.effort = effort - ((self.end if closing is None else closing) - at)
        if closing is None or not self.text.startswith(self.text[at], closing + 1) or closing + 2 > self.end:
            return None
        if not _END.match(self.text, closing + 2, self.end) or _OPENED.search(self.text, at, closing):
            return None
        return closing + 2

    def _read_value(self, at: int, stops: str, depth: int) -> tuple[Any, int]:
        """Read the value at `at`; one of `stops`, a closing bracket or the text's end follows it."""
        if at < self.end:
            opening = self.text[at]
            if opening in "'\"":
                if string := _STRING.match(self.text, at, self.end):
                    return _unescape(string[0][1:-1]), self._skip_blank(string.end())
                if stray_end := self._find_stray_end(at):
                    return self.text[at + 1 : stray_end - 1], self._skip_blank(stray_end)
            elif opening in "[{" and depth < DEEPEST:
                value, after = self._read_nested(at, depth + 1)
                after = self._skip_blank(after)
                if value is not None and (after >= self.end or self.text[after] in stops + ")]}"):
                    return value, after
        closing = self.find_closing(at, stops)
        after = self.end if closing is None else closing
        return _read_bare(self.text[at:after].strip()), after

    def _read_nested(self, at: int, depth: int) -> tuple[Any, int]:
        """Read a list or an object; None if its parts do not fit together. A set is a list."""
        closer, stops = _CLOSERS[self.text[at]], ",:" if self.text[at] == "{" else ","
        keys: list[str] = []
        values: list[Any] = []
        at = self._skip_blank(at + 1)
        while at < self.end and self.text[at] not in ")]}":
            value, at = self._read_value(at, stops, depth)
            if at < self.end and self.text[at] == ":":
                keys.append(value if type(value) is str else str(value))
                value, at = self._read_value(self._skip_blank(at + 1), ",", depth)
            values.append(value)
            if at < self.end and self.text[at] == ",":
                at = self._skip_blank(at + 1)
        # Of two values under one key, one would be lost.
        if at >= self.end or self.text[at] != closer or (keys and not len(set(keys)) == len(keys) == len(values)):
            return None, at
        if keys or not values:
            value = dict(zip(keys, values, strict=True)) if closer == "}" else None if keys else []
            return value, at + 1
        return values, at + 1


def _read_bare(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if number := _NUMBER.fullmatch(text):
        if not number[1] and not number[2]:
            return int(text)
        return float(text) if math.isfinite(float(text)) else text
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_read_escape, text) if "\\" in text else text


def _read_escape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])


def _format_value(value: Any, depth: int) -> str:
    if type(value) is str:
        return f"'{value if _TO_ESCAPE.search(value) is None else _TO_ESCAPE.sub(_format_escape, value)}'"
    if value is None or type(value) in (bool, int):
        return str(value)
    if type(value) is float and math.isfinite(value):
        return repr(value)
    if depth < DEEPEST and type(value) is list:
        return f"[{', '.join([_format_value(item, depth + 1) for item in value])}]"
    if depth < DEEPEST and type(value) is dict:
        pairs = [f"{_format_value(key, depth)}: {_format_value(item, depth + 1)}" for key, item in value.items()]
        return f"{{{', '.join(pairs)}}}"
    raise ValueError("nested too deeply or no number")


def _format_escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]
