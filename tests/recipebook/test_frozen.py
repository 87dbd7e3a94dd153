"""The base of all models: nothing is changed once read, and no key is passed over."""

import pytest
from pydantic import ValidationError

from recipebook.frozen import Frozen


class Rejection(Frozen):
    reason: str
    records: int = 1


def test_a_key_that_is_no_field_is_refused() -> None:
    with pytest.raises(ValidationError) as error:
        Rejection.model_validate({"reason": "no answer", "record": 3})
    assert [(fault["loc"], fault["type"]) for fault in error.value.errors()] == [(("record",), "extra_forbidden")]


def test_a_value_cannot_be_changed() -> None:
    rejection = Rejection(reason="no answer")
    with pytest.raises(ValidationError, match="frozen"):
        rejection.records = 2  # type: ignore[misc]
    assert rejection == Rejection(reason="no answer", records=1)
