"""Answers that are known to be good or bad, each on its own: which record has one, and what its label says.

{"prompt": "hi", "completion": "go away", "label": false} → find_labelled: ("completion", "label")
read_label(false), read_label("bad"), read_label(0) → False
"""

from typing import Any

from converters._answers import find_prompt
from converters._turns import LISTS
from recipebook.rows import BadRecord

LABELS = ("label", "kto_tag", "desirable", "is_desirable")
ANSWERS = ("answer", "completion", "output", "response")
"""Fields of an answer with a label; where there is none, the chat's last turn is the answer."""

_GOOD = ("true", "1", "good", "desirable", "chosen")
_BAD = ("false", "0", "bad", "undesirable", "rejected", "-1")
_VALUES: dict[Any, bool] = {
    True: True,
    False: False,
    **dict.fromkeys((*_GOOD, "1.0"), True),
    -1: False,
    **dict.fromkeys((*_BAD, "0.0", "-1.0"), False),
}


def find_labelled(record: dict[str, Any]) -> tuple[str, str] | None:
    """The fields of a record's answer and of its label; None where the record has none that say good or bad."""
    label = find_label(record)
    if label is None or read_label(record[label]) is None:
        return None
    answer = find_answer(record)
    if answer is None or (answer not in LISTS and find_prompt(record, (answer,)) is None):
        return None
    return answer, label


def find_label(record: dict[str, Any]) -> str | None:
    """The field that holds a record's label."""
    return next((field for field in LABELS if record.get(field) is not None), None)


def find_answer(record: dict[str, Any]) -> str | None:
    """The field of the one answer."""
    return next((field for field in (*ANSWERS, *LISTS) if type(record.get(field)) in (str, list, dict)), None)


def read_label(value: Any) -> bool | None:
    """Whether a label calls an answer good; None where it says neither."""
    said = value.lower() if type(value) is str else value
    # Tables in which a label is missing have 1.0 and 0.0.
    return _VALUES.get(said) if type(said) in (str, bool, int, float) else None


def take_label(record: dict[str, Any], field: str) -> bool:
    """The label of a record, which has to be good or bad."""
    good = read_label(record[field])
    if good is None:
        raise BadRecord(f"'{field}' is none of {', '.join((*_GOOD, *_BAD))}")
    given = [other for other in LABELS if record.get(other) is not None]
    if any(read_label(record[other]) != good for other in given):
        raise BadRecord(f"{' and '.join(given)} contradict each other")
    return good
