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
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import orjson

# Converters that users wrote import it from here, as docs/extending.md shows.
from recipebook.data.field_values import TEXT as TEXT
from recipebook.data.field_values import SimpleValues, TypedValue, Unread, WithoutNulls

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
    r"(?:input_)?(?:image|img|picture|photo|screenshot|video|audio|pixel_value)s?"
    r"(?:_?(?:url|uri|path|file|file_?path|file_?name|data|bytes|base64|b64|list)s?)?"
    r"|(?:image|img)_?(?:id|name|src)s?|speech_(?:path|file|url)s?|(?:mm|multi_?modal)_?(?:data|inputs?)",
    re.IGNORECASE,
)
# Most data has a few orders of keys, each many times over; a table with other keys in each record must not fill memory.
_MOST_ORDERS = 512
_MOST_KEYS = 64
_MOST_TEXTS = 16
# The last list of which a converter has read all, and lists of which it has read all but some items, with those.
# They are kept themselves, so that no others can be at their places in memory.
_CLEAN: list[list[Any] | None] = [None]
_READ = deque[tuple[list[Any], list[Any]]](maxlen=4)


Find = Callable[[Any, list[Unread]], None]
"""Adds what is unread in a value that is not null to a list."""
Inner: TypeAlias = "Fields | Shapes | WrittenJson | SimpleValues | TypedValue | WithoutNulls | None"
"""What is read of a value: of the objects in it these fields; None: the whole value, or the record is refused."""


class _Steps(NamedTuple):
    """What has to be looked at in objects of the same keys: each key, and how.

    They hold for objects in which the values of some keys are of the same kinds.
    """

    kinds: list[tuple[str, type]]
    finds: list[tuple[str, Find]]


class _Objects(ABC):
    """What is declared of an object is declared of each object of a list.

    Most data has a few orders of keys, so what they lead to is found once for each of them.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], _Steps] = {}
        self.clean: set[tuple[str, ...]] = set()
        """Orders of keys that leave nothing unread, whatever the values."""

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in an object, or in the objects of a list, to `found`."""
        if type(value) is dict:
            self.find_in_object(value, found)
        elif type(value) is list:
            for items, odd in _READ:
                if items is value:
                    value = odd
                    break
            for item in value:
                if type(item) is dict:
                    self.find_in_object(item, found)

    def find_in_object(self, holder: dict[str, Any], found: list[Unread]) -> None:
        """Add what is unread in an object to `found`."""
        keys = tuple(holder)
        steps = self._known.get(keys)
        if steps is None:
            steps = self._learn(keys, holder)
        kinds, finds = steps
        for key, kind in kinds:
            if type(holder[key]) is not kind:
                finds = self._learn(keys, holder).finds
                break
        for key, find in finds:
            value = holder[key]
            if value is not None and value is not _CLEAN[0]:
                find(value, found)

    def _learn(self, keys: tuple[str, ...], holder: dict[str, Any]) -> _Steps:
        steps = self.plan(holder)
        if len(self._known) >= _MOST_ORDERS:
            self._known.clear()
            self.clean.clear()
        if len(keys) <= _MOST_KEYS:
            self._known[keys] = steps
            if not steps.kinds and not steps.finds:
                self.clean.add(keys)
        return steps

    @abstractmethod
    def plan(self, holder: dict[str, Any]) -> _Steps:
        """What has to be looked at in objects of these keys."""


class Fields(_Objects):
    """The fields of one kind of object: `read` with what is read of their values, and the `harmless` ones."""

    def __init__(
        self,
        holder: str,
        read: Mapping[str, Inner],
        harmless: Iterable[str] = (),
        by_value: bool = False,
    ) -> None:
        """`holder` is the thing in words, such as `turn`; `by_value`: more than a value's kind chose it."""
        super().__init__()
        self.holder = holder
        self.read = dict(read)
        self.harmless = frozenset(harmless)
        self.by_value = by_value

    def extend(
        self,
        read: Mapping[str, Inner],
        harmless: Iterable[str] = (),
    ) -> "Fields":
        """The same fields and more."""
        return Fields(self.holder, {**self.read, **read}, self.harmless | frozenset(harmless))

    def plan(self, holder: dict[str, Any]) -> _Steps:
        """The keys that are neither read nor harmless whatever their values."""
        return _Steps([], [(key, find) for key in holder if (find := self._choose_find(key))])

    def _choose_find(self, key: str) -> Find | None:
        inner = self.read.get(key)
        if inner is None:
            known = key in self.read or key in self.harmless
            return None if known else lambda value, found: found.append((self.holder, key, value))
        return partial(self._find_typed, key, inner.kind) if isinstance(inner, TypedValue) else inner.find

    def _find_typed(self, key: str, kind: type, value: Any, found: list[Unread]) -> None:
        if type(value) is not kind:
            found.append((self.holder, key, value))


class Shapes(_Objects):
    """One of several kinds of object, known by its keys and the kinds of their values: `choose` names its fields."""

    def __init__(self, choose: Callable[[dict[str, Any]], Fields | None], fields: Iterable[Fields]) -> None:
        """`fields` are all that `choose` may name, for the page that lists them; where it names none, all is read."""
        super().__init__()
        self.choose = choose
        self.fields = tuple(fields)

    def plan(self, holder: dict[str, Any]) -> _Steps:
        """What has to be looked at in the fields that are chosen, while the values that `choose` asks for are of the
        same kinds."""
        watched = _Watched(holder)
        fields = self.choose(watched)
        if fields is None:
            return _Steps([], [])
        kinds = {key: type(holder[key]) for key in sorted(watched.asked & holder.keys())}
        # Of what is a text as long as these steps hold, no objects have to be looked for.
        texts = {key for key, kind in kinds.items() if kind is str and isinstance(fields.read.get(key), _Objects)}
        finds = [(key, find) for key, find in fields.plan(holder).finds if key not in texts]
        return _Steps([(next(iter(holder)), _Watched)] if fields.by_value else [*kinds.items()], finds)


class _Watched(dict[str, Any]):
    """An object that remembers the keys whose values it was asked for."""

    def __init__(self, holder: dict[str, Any]) -> None:
        super().__init__(holder)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


class Variants(Shapes):
    """One of several kinds of object, known by a value, such as whose turn it is."""

    def find_in_object(self, holder: dict[str, Any], found: list[Unread]) -> None:
        """Add what is unread in an object to `found`."""
        fields = self.choose(holder)
        if fields:
            fields.find_in_object(holder, found)


class WrittenJson:
    """An object or a list that may be written as a string of JSON; `written` is what is read of it there."""

    def __init__(self, fields: Fields | Shapes, written: Fields | Shapes | None = None) -> None:
        self.fields = fields
        self._written = written or fields
        # Most data has a few lists of tools, each many times over.
        self._clean: set[str] = set()

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the value to `found`."""
        if type(value) is not str:
            self.fields.find(value, found)
        elif value not in self._clean:
            before = len(found)
            self._written.find(_parse(value), found)
            if len(found) == before:
                if len(self._clean) >= _MOST_TEXTS:
                    self._clean.clear()
                self._clean.add(value)


def remember_odd(items: list[Any], odd: list[Any]) -> None:
    """Remember that a converter has read all of these items and that only the odd ones have more than it needs of each.

    A converter sees that in passing, so that most turns of most data need no second look.
    """
    if odd:
        _READ.appendleft((items, odd))
    else:
        _CLEAN[0] = items


def remember_one_of_several(items: list[Any], odd: list[Any]) -> None:
    """The same for a record that has up to four lists, such as its tools, its messages and two answers."""
    _READ.appendleft((items, odd))


def is_medium(key: str) -> bool:
    """Whether a field is one for images, video or audio, without which the text beside them means something else."""
    return bool(_MEDIA.fullmatch(key))


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
