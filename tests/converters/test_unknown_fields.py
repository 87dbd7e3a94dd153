"""Unknown keys planted anywhere in valid records: each is carried, obeyed, refused or counted, none is dropped."""

import contextlib
import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters._extras import REASONING
from recipebook.data.account import Account, Ledger
from recipebook.data.conversion import convert_records
from recipebook.data.converter import Converter, find_converter
from recipebook.data.fields import RECORD_HARMLESS, is_medium
from recipebook.data.marks import MARKS, read_mark
from recipebook.modules import CONVERTER, list_names
from recipebook.project import PROJECT
from recipebook.records import Record
from recipebook.rows import find_kind

SAMPLES = PROJECT / "tests" / "samples" / "converters"
# Objects whose keys are the data's own; of a tool, all that it is.
FREE = frozenset(("metadata", "meta", "arguments", "parameters", "traits", "function", "image_data"))
# What is written as JSON in a string is looked into as well.
WRITTEN = ("tools", "value")
NAMES = (
    "images", "video", "audio_url", "weight", "loss_weight", "train", "masked", "train_detail", "mood", "score",
    "Role", "content ", "tool_call", "thought", "\u202ename", "a\nb",
)  # fmt: skip


class Spot(NamedTuple):
    """A valid record, and the way to an object in it: keys and indices; None goes into JSON in a string."""

    converter: str
    options: str
    record: str
    path: tuple[str | int | None, ...]


def list_spots() -> Iterator[Spot]:
    for name in list_names(CONVERTER):
        for line in (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            # A record that is left out or refused is not read through.
            if sample.get("out"):
                options, record = json.dumps(sample.get("options", {})), json.dumps(sample["in"])
                yield from (Spot(name, options, record, path) for path in list_objects(sample["in"], (), ""))


def list_objects(value: Any, path: tuple[str | int | None, ...], key: str) -> Iterator[tuple[str | int | None, ...]]:
    if isinstance(value, dict):
        yield path
        for inner, held in value.items():
            if inner not in FREE:
                yield from list_objects(held, (*path, inner), inner)
    elif isinstance(value, list):
        for at, held in enumerate(value):
            yield from list_objects(held, (*path, at), key)
    elif isinstance(value, str) and key in WRITTEN:
        with contextlib.suppress(ValueError):
            yield from list_objects(json.loads(value), (*path, None), key)


def plant(value: Any, path: tuple[str | int | None, ...], key: str, planted: Any) -> Any:
    """The value with the key in the object that the path leads to."""
    if not path:
        return {**value, key: planted}
    step, *rest = path
    if step is None:
        return json.dumps(plant(json.loads(value), tuple(rest), key, planted))
    changed = copy.copy(value)
    changed[step] = plant(value[step], tuple(rest), key, planted)
    return changed


def convert(converter: Converter, options: str, record: Any) -> tuple[list[Any], Account]:
    ledger = Ledger()
    checked = converter.options.model_validate_json(options)
    found = list(convert_records([Record(1, 1, record)], "in.jsonl", converter, checked, ledger))
    return [orjson.loads(line) for each in found for line in each.lines], ledger.close()


CONVERTERS = {name: find_converter(name) for name in list_names(CONVERTER)}
SPOTS = list(list_spots())
BEFORE = {
    spot: convert(CONVERTERS[spot.converter], spot.options, json.loads(spot.record))
    for spot in {spot._replace(path=()) for spot in SPOTS}
}
# What is inside a field that is counted is counted with it.
SPOTS = [
    spot
    for spot in SPOTS
    if not any(
        f"read without '{step}': " in note for step in spot.path[:1] for note in BEFORE[spot._replace(path=())][1].notes
    )
]
SCALARS = st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=3)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
KEYS = (
    st.sampled_from(NAMES)
    | st.sampled_from(sorted(MARKS))
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=2, max_size=8)
)


@given(spot=st.sampled_from(SPOTS), key=KEYS, value=VALUES)
@settings(max_examples=300)
def test_no_unknown_key_is_dropped_in_silence(spot: Spot, key: str, value: Any) -> None:
    check(spot, key, value)


@pytest.mark.long
@given(spot=st.sampled_from(SPOTS), key=KEYS, value=VALUES)
@settings(max_examples=20_000)
def test_no_unknown_key_of_twenty_thousand_is_dropped_in_silence(spot: Spot, key: str, value: Any) -> None:
    check(spot, key, value)


def check(spot: Spot, key: str, value: Any) -> None:
    before, account = BEFORE[spot._replace(path=())]
    record = json.loads(spot.record)
    converter = CONVERTERS[spot.converter]
    assert converter.fields
    planted = plant(record, spot.path, key, value)
    if json.dumps(planted) == spot.record:
        return
    rows, now = convert(converter, spot.options, planted)
    counted = set(now.notes) - set(account.notes)
    told = bool(counted) or now.records != now.accepted
    # A pair's prompt is never learned, nor are turns that nobody answers, whatever they are marked with.
    dropped = spot.converter == "sessions" or any("dropped" in row["meta"] for row in rows)
    compared = any(find_kind(row) != "chat" for row in rows)
    unlearned = len(spot.path) > 1 and (compared or dropped)
    # An object of lists has a value for each turn.
    values = value if spot.path[-1:] == ("messages",) and isinstance(value, list) else [value]
    nothing = all(says_nothing(key, one) for one in values)
    assert told or rows != before or (unlearned and key in MARKS) or nothing, (spot, key, value)


def says_nothing(key: str, value: Any) -> bool:
    """Whether the field is harmless, a name without a letter, no image, or a mark that says what holds without it."""
    if key in RECORD_HARMLESS:
        return True
    # By this mark Gemini tells a thought from a text.
    if key == "thought" and value is False:
        return True
    if key in ("name", *REASONING) and isinstance(value, str):
        return not value.strip()
    if is_medium(key):
        return not value
    return key in MARKS and (value in ("", []) or read_mark(key, value) is True)
