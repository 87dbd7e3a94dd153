"""YAML text in; plain data out, and the place of every key and value in it.

    model:                      {"model": {"base": "models/tiny-base"}}
      base: models/tiny-base    places[("model", "base")].key is recipes/x.yaml:2:3, .value recipes/x.yaml:2:9

The data is what JSON can hold. Numbers are read as YAML 1.2 and every editor read them: `2e-05` is a number,
`010`, `1:30` and `2026-01-01` are text. A key given twice, a key that is not text and a tag are errors. So are files
that would take long: aliases are written out where they stand, and ten lines of them can make a billion values.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from recipebook.errors import UserError
from recipebook.recipe.places import Document, KeyPath, Place, Places, Spot, forget
from recipebook.suggestions import shorten

MAX_DEPTH = 50
MAX_VALUES = 10_000


def load(path: Path, label: str | None = None) -> Document:
    """Read a file whose top is a mapping; `label` is how messages call it, if not by its path."""
    label = label or str(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{label}: cannot be read: {error.strerror}") from error
    return parse(_decode(content, label), label)


@functools.lru_cache(maxsize=128)
def parse(text: str, label: str) -> Document:
    """Read a text whose top is a mapping; equal texts give one document, which nobody may change.

    `make check` reads each recipe once for every profile.
    """
    node = _compose(text, label)
    if node is None:
        raise UserError(f"{label}:1:1: the file is empty")
    if not isinstance(node, yaml.MappingNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "single value"
        raise UserError(f"{_place(node, label)}: the top is a {kind}, not a mapping of keys")
    reader = _NodeReader(label)
    start = _place(node, label)
    data = reader.read(node, (), Spot(start, start))
    return Document(data, reader.places)


def parse_value(text: str, label: str = "SET") -> Any:
    """Read one value as it would be read behind a key, such as `1e-4`, `null` or `[a, b]`."""
    node = _compose(text, label)
    if node is None:
        return None
    start = _place(node, label)
    return _NodeReader(label).read(node, (), Spot(start, start))


def refuse_large(text: str, label: str) -> None:
    """Raise where a text has more values or levels than libyaml can compose without a crash, or in good time."""
    # The composer descends by C recursion, which ends in a crash and not in an exception; events do not.
    depth = nodes = 0
    for event in yaml.parse(text, Loader=_Loader):
        nodes += isinstance(event, yaml.NodeEvent)
        # A key is a node, too.
        if nodes > 2 * MAX_VALUES:
            raise _make_count_error(_place(event, label))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _make_depth_error(_place(event, label))


class _Loader(yaml.CSafeLoader):
    """PyYAML's safe loader with its own rules for plain scalars."""


_TAG = "tag:yaml.org,2002:"
_BOOL = re.compile(r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# In JSON with comments, which some editors write.
_COMMENT = re.compile(r"(?:^|[\s,{\[])(//|/\*)", re.MULTILINE)
_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("bool", _BOOL, "yYnNtTfFoO"),
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("merge", re.compile("<<"), "<"),
):
    # PyYAML matches a pattern from the start only: the end must be part of it.
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(rf"(?:{_pattern.pattern})\Z"), list(_first))


def _decode(content: bytes, label: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_at(content[: error.start].decode("utf-8-sig", "replace"), label)
        raise UserError(f"{place}: byte 0x{content[error.start]:02x} is not UTF-8") from error


def _place_at(before: str, label: str) -> Place:
    return Place(label, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _compose(text: str, label: str) -> yaml.Node | None:
    try:
        refuse_large(text, label)
        loader = _Loader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
            return node
        finally:
            loader.dispose()
    except yaml.reader.ReaderError as error:
        place = _place_at(text.encode()[: error.position].decode("utf-8", "ignore"), label)
        raise UserError(f"{place}: {error.reason}") from error
    except yaml.MarkedYAMLError as error:
        raise UserError(_format_syntax(error, text, label)) from error


def _make_depth_error(place: Place) -> UserError:
    return UserError(f"{place}: nested deeper than {MAX_DEPTH} levels")


def _make_count_error(place: Place) -> UserError:
    return UserError(f"{place}: more than {MAX_VALUES} values, each alias counted as what it stands for")


def _format_syntax(error: yaml.MarkedYAMLError, text: str, label: str) -> str:
    if text.lstrip().startswith("{") and (comment := _COMMENT.search(text)):
        return f"{_place_at(text[: comment.start(1)], label)}: a comment of another language: YAML's begin with #"
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"{label}: {error.problem}"
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    if re.match(r" *\t", line):
        return f"{label}:{mark.line + 1}:{line.index(chr(9)) + 1}: a tab indents this line; use spaces"
    return f"{label}:{mark.line + 1}:{mark.column + 1}: {_explain(error, line[mark.column : mark.column + 1])}"


def _explain(error: yaml.MarkedYAMLError, found: str) -> str:
    """What is wrong in the words of libyaml, or in plainer ones where those leave a reader alone."""
    if error.problem == "but found another document":
        return "a second document begins here; a recipe is one"
    if error.problem == "found character that cannot start any token":
        return f"{found!r} begins no value in YAML; put the value in quotes"
    if not error.context:
        return str(error.problem)
    begun, ended = error.context_mark, error.problem_mark
    since = f" that begins on line {begun.line + 1}" if begun and ended and begun.line != ended.line else ""
    return f"{error.problem} ({error.context}{since})"


class _NodeReader:
    """Turns nodes into data and notes their places."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.places: Places = {}
        self.open: list[yaml.Node] = []
        self.values = itertools.count(1)

    def read(self, node: yaml.Node, path: KeyPath, spot: Spot) -> Any:
        """The data of a node, which stands at `path`."""
        if node in self.open:
            raise UserError(f"{spot.value}: an anchor that contains itself")
        if next(self.values) > MAX_VALUES:
            raise _make_count_error(spot.value)
        if len(self.open) > MAX_DEPTH:
            raise _make_depth_error(spot.value)
        self.places[path] = spot
        if isinstance(node, yaml.ScalarNode):
            return self._read_scalar(node)
        self.open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._read_mapping(node, path)
            return self._read_list(node, path)
        finally:
            self.open.pop()

    def _read_scalar(self, node: yaml.ScalarNode) -> Any:
        kind = self._kind(node, _SCALARS)
        try:
            return _SCALARS[kind](node.value)
        except (ValueError, KeyError) as error:
            place, value = _place(node, self.label), shorten(node.value)
            raise UserError(f"{place}: {value!r} is not a value of !!{kind}") from error

    def _read_list(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        self._kind(node, ("seq",))
        items = []
        for index, item in enumerate(node.value):
            place = _place(item, self.label)
            items.append(self.read(item, (*path, index), Spot(place, place)))
        return items

    def _read_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        self._kind(node, ("map",))
        data: dict[str, Any] = {}
        own: dict[str, tuple[Place, yaml.Node]] = {}
        for key_node, value_node in node.value:
            place = _place(key_node, self.label)
            if key_node.tag == _TAG + "merge":
                for key, value in self._read_merged(value_node, path, place).items():
                    data.setdefault(key, value)
                continue
            key = self._read_key(key_node)
            if key in own:
                raise UserError(f"{place}: key {shorten(key)!r} is given twice, first on line {own[key][0].line}")
            own[key] = (place, value_node)
        # The places that `<<` brought under these keys are replaced with their own values'.
        forget(self.places, {(*path, key) for key in own.keys() & data.keys()})
        for key, (place, value_node) in own.items():
            data[key] = self.read(value_node, (*path, key), Spot(place, _place(value_node, self.label)))
        return data

    def _read_merged(self, node: yaml.Node, path: KeyPath, place: Place) -> dict[str, Any]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise UserError(f"{place}: `<<` takes a mapping or a list of mappings")
            inner = _NodeReader(self.label)
            inner.open, inner.values = self.open, self.values
            for key, value in inner.read(source, path, Spot(place, place)).items():
                merged.setdefault(key, value)
            for known, spot in inner.places.items():
                self.places.setdefault(known, spot)
        return merged

    def _read_key(self, node: yaml.Node) -> str:
        place = _place(node, self.label)
        if not isinstance(node, yaml.ScalarNode):
            raise UserError(f"{place}: a key must be text, not a list or mapping")
        if self._kind(node, _SCALARS) != "str":
            raise UserError(f"{place}: key {node.value or 'null'} is not text in YAML; put it in quotes")
        return str(node.value)

    def _kind(self, node: yaml.Node, known: Iterable[str]) -> str:
        if isinstance(node, yaml.ScalarNode) and "\0" in node.value:
            raise UserError(f"{_place(node, self.label)}: a NUL character, which no name, path or command can hold")
        kind = node.tag.removeprefix(_TAG)
        if kind not in known:
            raise UserError(f"{_place(node, self.label)}: unknown tag {node.tag.replace(_TAG, '!!')}")
        return str(kind)


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda text: SafeConstructor.bool_values[text.lower()],
    "int": int,
    "float": lambda text: float(re.sub(r"\.(?=inf|nan)", "", text.lower())),
    "merge": str,
}


def _place(part: Any, label: str) -> Place:
    # A node or an event: PyYAML's types do not say that these have a mark.
    return Place(label, part.start_mark.line + 1, part.start_mark.column + 1)
