"""What is remembered of the keys of records finds the same as a look at each record for itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.data.field_values import Unread
from recipebook.data.fields import Fields, Shapes, is_medium

_PLAIN = Fields("record", {"text": None, "label": None}, ["id"])
_LISTED = Fields("record", {"text": Fields("turn", {"said": None})}, ["id"])


def declare() -> Shapes:
    """Records whose `text` is a list of turns or anything else, with nothing remembered."""
    return Shapes(lambda record: _LISTED if type(record.get("text")) is list else _PLAIN, (_PLAIN, _LISTED))


TURNS = st.lists(st.dictionaries(st.sampled_from(("said", "mood")), st.just("a")), max_size=2)
RECORDS = st.dictionaries(st.sampled_from(("text", "label", "id", "topic")), st.just("a") | st.none() | TURNS)


@given(st.lists(RECORDS, max_size=20))
def test_keys_that_are_remembered_as_read_leave_nothing_unread(records: list[dict[str, Any]]) -> None:
    learned = declare()
    for record in records:
        alone: list[Unread] = []
        declare().find_in_object(record, alone)
        found: list[Unread] = []
        if tuple(record) not in learned.clean:
            learned.find_in_object(record, found)
        assert found == alone


def test_keys_are_remembered_as_read_only_where_no_value_matters() -> None:
    fields = Fields("record", {"text": None, "turns": Fields("turn", {"said": None})}, ["id"])
    for record in ({"id": 1, "text": "a"}, {"text": "a", "turns": None}, {"text": "a", "topic": None}):
        fields.find_in_object(record, [])
    assert fields.clean == {("id", "text")}


@pytest.mark.parametrize(
    ("field", "is_one"),
    [
        ("images", True),
        ("imageUrl", True),
        ("image_id", True),
        ("image_file_name", True),
        ("audio_filepath", True),
        ("screenshots", True),
        ("multi_modal_data", True),
        ("mm_data", True),
        ("image_caption", False),
        ("video_title", False),
        ("speech", False),
        ("imagination", False),
    ],
)
def test_a_field_of_pictures_or_sounds_is_known_by_its_name(field: str, is_one: bool) -> None:
    assert is_medium(field) is is_one
