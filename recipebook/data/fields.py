"""Which fields of a record a converter reads: declared once, and compared with each record that became rows.

    TURN = Fields("turn", {"role": None, "content": None}, harmless=IDS)
    FIELDS = Fields("record", {"messages": TURN, "metadata": None}, harmless=IDS)

of `{"id": 7, "messages": [{"role": "user", "content": "hi", "mood": "glad"}, …], "topic": "greeting"}` finds
`("record", "topic", "greeting")` and `("turn", "mood", "glad")`: what nobody reads, nulls aside.

A key is **read** if the converter puts it into the row, obeys it, or refuses a record for it; **harmless** if it is on
a closed list of keys that name or number the record. Every other key is unread. A key of another shape of the same
converter, such as `output` beside `messages`, is unread too: `Shapes` name the shape of a record.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

# fmt: off
IDS = frozenset((
    "id", "_id", "idx", "index", "uuid", "guid", "hash", "md5", "sha256", "record_id", "row_id", "sample_id",
    "example_id", "item_id", "dialog_id", "dialogue_id", "chat_id", "conversation_id", "conv_id", "session_id",
    "thread_id", "message_id", "turn_id", "prompt_id", "question_id", "answer_id",
))
"""Keys that name or number a thing."""
ORIGINS = frozenset((
    "source", "sources", "data_source", "source_dataset", "dataset", "dataset_name", "subset", "split", "file_name",
))
"""Keys that say where a record comes from."""
SIZES = frozenset((
    "length", "num_turns", "n_turns", "turn_count", "num_tokens", "n_tokens", "token_count", "total_tokens",
    "prompt_tokens", "completion_tokens", "timestamp", "created", "created_at", "create_time", "updated_at",
    "update_time",
))
"""Keys that count or date what is there anyway."""
# fmt: on
RECORD_HARMLESS = IDS | ORIGINS | SIZES
"""What is harmless in a record."""
PART_HARMLESS = IDS | SIZES
"""What is harmless in a part of a record: a turn, a call, a tool."""

_MEDIA = re.compile(
    r"(?:input_)?(?:image|img|picture|photo|video|audio|pixel_value)s?"
    r"(?:_?(?:url|uri|path|file|data|bytes|base64|b64)s?)?",
    re.IGNORECASE,
)
# Most data has a few orders of keys, each many times over; a table with other keys in each record must not fill memory.
_MOST_ORDERS = 512
_MOST_KEYS = 64
_MOST_TEXTS = 16
_LONG = 100
_MOST_LISTS = 8
_SEEN: dict[int, tuple[list[Any], list[Any]]] = {}


Unread = tuple[str, str, Any]
"""A key that nobody reads: the kind of thing that has it, the key, and its value."""


class TypedValue:
    """A value that is read where it is of this kind, and unread otherwise."""

    def __init__(self, kind: type) -> None:
        self.kind = kind


class _Nobody:
    """Stands for the declaration of a key that has none."""


TEXT = TypedValue(str)
OBJECT = TypedValue(dict)
_NOBODY = _Nobody()
Inner = "Fields | Shapes | WrittenJson | TypedValue | None"
"""What is read of a value: of the objects in it these fields; None: the whole value, or the record is refused."""


class _Objects(ABC):
    """What is declared of an object is declared of each object of a list."""

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in an object, or in the objects of a list, to `found`."""
        if type(value) is dict:
            self.find_in_object(value, found)
        elif type(value) is list:
            for item in _list_odd(value):
                if type(item) is dict:
                    self.find_in_object(item, found)

    @abstractmethod
    def find_in_object(self, holder: dict[str, Any], found: list[Unread]) -> None:
        """Add what is unread in an object to `found`."""


class Fields(_Objects):
    """The fields of one kind of object: `read` with what is read of their values, and the `harmless` ones."""

    def __init__(
        self,
        holder: str,
        read: Mapping[str, "Fields | Shapes | WrittenJson | TypedValue | None"],
        harmless: Iterable[str] = (),
    ) -> None:
        """`holder` is the thing in words, such as `turn`."""
        self.holder = holder
        self.read = dict(read)
        self.harmless = frozenset(harmless)
        self._steps: dict[tuple[str, ...], list[tuple[str, Any]]] = {}

    def extend(
        self, read: Mapping[str, "Fields | Shapes | WrittenJson | TypedValue | None"], harmless: Iterable[str] = ()
    ) -> "Fields":
        """The same fields and more."""
        return Fields(self.holder, {**self.read, **read}, self.harmless | frozenset(harmless))

    def find_in_object(self, holder: dict[str, Any], found: list[Unread]) -> None:
        """Add what is unread in an object to `found`."""
        keys = tuple(holder)
        steps = self._steps.get(keys)
        if steps is None:
            steps = self._plan(keys)
        for key, inner in steps:
            value = holder[key]
            if value is not None:
                kind = type(inner)
                if kind is Fields and type(value) is dict:
                    inner.find_in_object(value, found)
                elif kind is _Nobody or (kind is TypedValue and type(value) is not inner.kind):
                    found.append((self.holder, key, value))
                elif kind is not TypedValue:
                    inner.find(value, found)

    def _plan(self, keys: tuple[str, ...]) -> list[tuple[str, Any]]:
        """The keys that have to be looked at, with what is read of their values."""
        steps = [(key, inner) for key in keys if (inner := self._declare(key)) is not None]
        if len(self._steps) >= _MOST_ORDERS:
            self._steps.clear()
        if len(keys) <= _MOST_KEYS:
            self._steps[keys] = steps
        return steps

    def _declare(self, key: str) -> Any:
        return self.read.get(key) if key in self.read or key in self.harmless else _NOBODY


class Shapes(_Objects):
    """One of several kinds of object: `choose` names the fields of the one at hand; None: all of it is read."""

    def __init__(self, choose: Callable[[dict[str, Any]], Fields | None], fields: Iterable[Fields]) -> None:
        """`fields` are all that `choose` may name, for the page that lists them."""
        self.choose = choose
        self.fields = tuple(fields)

    def find_in_object(self, holder: dict[str, Any], found: list[Unread]) -> None:
        """Add what is unread in an object to `found`."""
        fields = self.choose(holder)
        if fields:
            fields.find_in_object(holder, found)


class WrittenJson:
    """An object or a list that may be written as a string of JSON."""

    def __init__(self, fields: Fields | Shapes) -> None:
        self.fields = fields
        # Most data has a few lists of tools, long ones, each many times over.
        self._clean: set[str] = set()

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the value to `found`."""
        if type(value) is not str:
            self.fields.find(value, found)
        elif len(value) < _LONG:
            self.fields.find(_parse(value), found)
        elif value not in self._clean:
            before = len(found)
            self.fields.find(_parse(value), found)
            if len(found) == before:
                if len(self._clean) >= _MOST_TEXTS:
                    self._clean.clear()
                self._clean.add(value)


def remember_odd(items: list[Any], odd: list[Any]) -> None:
    """Remember that a converter has read all of these items and that only the odd ones have more than it needs of each.

    A converter sees that in passing, so that most turns of most data need no second look.
    """
    if len(_SEEN) >= _MOST_LISTS:
        _SEEN.clear()
    _SEEN[id(items)] = (items, odd)


def _list_odd(items: list[Any]) -> list[Any]:
    # The list itself is remembered, so that no other can have its id.
    seen = _SEEN.get(id(items))
    return items if seen is None else seen[1]


def is_medium(key: str) -> bool:
    """Whether a field is one for images, video or audio, without which the text beside them means something else."""
    return bool(_MEDIA.fullmatch(key))


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
