"""Options: checked against the module's own, and a wrong one told with what is right."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from recipebook.errors import UserError
from recipebook.options import check_options


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    system: str | None = None
    limit: int = 3


class NoOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def test_options_that_fit_are_taken() -> None:
    assert check_options(Options, {"limit": 4}, "converter x") == Options(limit=4)


@pytest.mark.parametrize(
    ("options", "given", "told"),
    [
        (Options, {"sytem": "x"}, "converter x: no option 'sytem'; did you mean 'system'?"),
        (Options, {"q\n": "x"}, "converter x: no option 'q\\n'; it has: limit, system"),
        (NoOptions, {"system": "x"}, "converter x: no option 'system'; it has none"),
        (
            Options,
            {"limit": "four"},
            "converter x: option 'limit': Input should be a valid integer, unable to parse string as an integer, "
            "got 'four'",
        ),
    ],
)
def test_wrong_option_is_told_with_what_is_right(options: type[BaseModel], given: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as error:
        check_options(options, given, "converter x")
    assert str(error.value) == told
