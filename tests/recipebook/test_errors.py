"""What a message can show: text that stays on its line, and pydantic's first error as one line."""

import errno

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from recipebook.errors import find_first_error, format_first_error, format_refusal, on_one_line, take_first_line


class Lora(BaseModel):
    r: int = Field(gt=0)


class Recipe(BaseModel):
    lora: dict[str, Lora]

    @model_validator(mode="after")
    def _agree(self) -> "Recipe":
        if not self.lora:
            raise ValueError("one adapter at least")
        return self


def refuse(data: object) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(data)
    return caught.value


def test_what_would_break_a_line_is_an_escape() -> None:
    assert on_one_line("a\nb\x1b[2K é") == "a\\nb\\x1b[2K é"


def test_the_first_error_names_its_place() -> None:
    error = refuse({"lora": {"a": {"r": 0}, "b": {"r": "x"}}})
    assert format_first_error(error) == "lora.a.r: Input should be greater than 0"
    place, first = find_first_error(error)
    assert (place, first["loc"], first["type"], first["input"]) == ("lora.a.r", ("lora", "a", "r"), "greater_than", 0)


def test_a_place_that_a_user_wrote_stays_on_its_line() -> None:
    assert format_first_error(refuse({"lora": {"a\nb": {"r": 0}}})) == "lora.a\\nb.r: Input should be greater than 0"


def test_an_error_of_the_whole_has_no_place() -> None:
    assert format_first_error(refuse({"lora": {}})) == "Value error, one adapter at least"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.EFBIG, "File too large", "x.jsonl"), "x.jsonl: File too large"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "No usable temporary directory found in ['/tmp']",
        ),
        (OSError(errno.ENOENT, "No such file or directory"), None),
        (OSError("broken"), None),
    ],
)
def test_what_the_system_refuses_is_one_line_and_all_else_a_traceback(error: OSError, line: str | None) -> None:
    assert format_refusal(error) == line


def test_of_a_librarys_exception_the_first_line_is_shown_or_its_kind() -> None:
    assert take_first_line(OSError("\nno such\tfile\nTraceback:")) == "no such\\tfile"
    assert take_first_line(NotImplementedError()) == "NotImplementedError"
