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
from functools import partial
from typing import Any, ClassVar, NamedTuple, TypeAlias

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
# Most data has a few shapes, each many times over; a table with other keys in each record must not fill memory.
_MOST_SHAPES = 2048
_MOST_KEYS = 64
_MOST_TEXTS = 16
_PLAIN = (str, int, float, bool)
# How a text begins that may be the JSON of an object or a list.
_OPENINGS = "[{ \t\r\n"
READ: dict[int, tuple[list[Any] | dict[str, Any], list[Any]]] = {}
"""Lists that a converter has read, or a whole record, and the items of each that have more than it needs; by their
places in memory, where no others can be as long as they are kept."""
_MOST_READ = 8


Find = Callable[[Any, list[Unread]], None]
"""Adds what is unread in a value that is not null to a list."""
Inner: TypeAlias = "Fields | Shapes | WrittenJson | SimpleValues | TypedValue | WithoutNulls | None"
"""What is read of a value: of the objects in it these fields; None: the whole value, or the record is refused."""


Signature = tuple[str | type, ...]
"""The keys of an object, and the kinds of their values where these matter: those of most data are few, each many times
over."""


class _Plan(NamedTuple):
    """What has to be looked at in objects of one signature: keys, and how; of `texts` only those that may be JSON.
    `by_value`: in others of this signature perhaps something else."""

    texts: list[tuple[str, Find]]
    finds: list[tuple[str, Find]]
    by_value: bool


def _sign_with_kinds(holder: dict[str, Any]) -> Signature:
    return (*holder, *map(type, holder.values()))


class _Objects(ABC):
    """What is declared of an object is declared of each object of a list."""

    def __init__(self, sign: Callable[[dict[str, Any]], Signature]) -> None:
        self.sign = sign
        """The signature of an object."""
        self._known: dict[Signature, _Plan] = {}
        self.clean: set[Signature] = set()
        """Those of objects that leave nothing unread, whatever the values."""

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in an object, or in the objects of a list, to `found`."""
        if type(value) is dict:
            self.find_in_object(value, found)
        elif type(value) is list:
            self.find_in_list(value, found)

    def find_in_list(self, items: list[Any], found: list[Unread]) -> None:
        """Add what is unread in the objects of a list to `found`."""
        for item in items:
            if type(item) is dict:
                self.find_in_object(item, found)

    def find_in_object(self, holder: dict[str, Any], found: list[Unread], signature: Signature = ()) -> None:
        """Add what is unread in an object, whose signature may be known, to `found`."""
        signature = signature or self.sign(holder)
        texts, finds, _ = self._known.get(signature) or self._learn(signature, holder)
        for key, find in texts:
            text = holder[key]
            if text[:1] in _OPENINGS:
                find(text, found)
        for key, find in finds:
            value = holder[key]
            read = READ.get(id(value))
            if read is None:
                if value is not None:
                    find(value, found)
            elif read[1]:
                find(read[1], found)

    def _learn(self, signature: Signature, holder: dict[str, Any]) -> _Plan:
        plan = self.plan(holder)
        if len(holder) > _MOST_KEYS or plan.by_value:
            return plan
        if len(self._known) >= _MOST_SHAPES:
            self._known.clear()
            self.clean.clear()
        self._known[signature] = plan
        if not any(plan):
            self.clean.add(signature)
        return plan

    @abstractmethod
    def plan(self, holder: dict[str, Any]) -> _Plan:
        """What has to be looked at in objects with this one's signature."""


class Fields(_Objects):
    """The fields of one kind of object: `read` with what is read of their values, and the `harmless` ones."""

    def __init__(
        self,
        holder: str,
        read: Mapping[str, Inner],
        harmless: Iterable[str] = (),
        by_value: bool = False,
    ) -> None:
        """`holder` is the thing in words, such as `turn`; `by_value`: more than a record's signature chose it."""
        super().__init__(tuple)
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

    def plan(self, holder: dict[str, Any]) -> _Plan:
        """The keys that are neither read nor harmless, and those of which not the whole value is read."""
        return _Plan([], [(key, find) for key in holder if (find := self._choose_find(key))], by_value=False)

    def plan_by_kinds(self, holder: dict[str, Any]) -> _Plan:
        """The same for objects with values of the same kinds as this one's, in which less has to be looked at."""
        texts: list[tuple[str, Find]] = []
        finds: list[tuple[str, Find]] = []
        for key, value in holder.items():
            inner, find = self.read.get(key), self._choose_find(key)
            is_plain = type(value) in _PLAIN and isinstance(inner, _Objects | WithoutNulls)
            is_typed = isinstance(inner, TypedValue) and type(value) is inner.kind
            if find and not (value is None or is_plain or is_typed):
                is_written = type(value) is str and isinstance(inner, WrittenJson)
                (texts if is_written else finds).append((key, _find_by_kind(inner, type(value)) or find))
        return _Plan(texts, finds, self.by_value)

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
        super().__init__(_sign_with_kinds)
        self.choose = choose
        self.fields = tuple(fields)

    def plan(self, holder: dict[str, Any]) -> _Plan:
        """What has to be looked at in the fields that are chosen for these keys and kinds."""
        fields = self.choose(holder)
        return fields.plan_by_kinds(holder) if fields else _Plan([], [], by_value=False)


class Variants(Shapes):
    """One of several kinds of object, known by a value, such as whose turn it is."""

    def find_in_object(self, holder: dict[str, Any], found: list[Unread], signature: Signature = ()) -> None:
        """Add what is unread in an object to `found`."""
        fields = self.choose(holder)
        if fields:
            fields.find_in_object(holder, found)


class WrittenJson:
    """An object or a list that may be written as a string of JSON; `written` is what is read of it there."""

    own: ClassVar[tuple[type, ...]] = ()
    """The kinds of values that a class with a `find` of its own looks into."""

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


def _find_by_kind(inner: Inner, kind: type) -> Find | None:
    """What `find` of an inner one leads to for values of a kind."""
    objects = inner.fields if isinstance(inner, WrittenJson) else inner
    if not isinstance(objects, _Objects) or (isinstance(inner, WrittenJson) and kind in inner.own):
        return None
    return objects.find_in_object if kind is dict else objects.find_in_list if kind is list else None


def remember_odd(items: list[Any] | dict[str, Any], odd: list[Any]) -> None:
    """Remember that a converter has read all of these items and that only the odd ones have more than it needs of each,
    or that it has read all of a record.

    A converter sees that in passing, so that most turns of most data need no second look.
    """
    if len(READ) >= _MOST_READ:
        READ.clear()
    READ[id(items)] = (items, odd)


def remember_whole(holder: dict[str, Any], items: list[Any]) -> None:
    """Remember that an object, of which all that matters is a list, has been read as a whole, if the list has."""
    read = READ.get(id(items))
    if read and not read[1]:
        remember_odd(holder, [])


def is_medium(key: str) -> bool:
    """Whether a field is one for images, video or audio, without which the text beside them means something else."""
    return bool(_MEDIA.fullmatch(key))


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
