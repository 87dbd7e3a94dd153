"""A user's mistake, printed on one line without a traceback (exit status 2)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def on_one_line(text: str) -> str:
    """A user's text, fit for a message: characters that would break or hide a line are escaped."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def find_first_error(error: "ValidationError") -> "tuple[str, ErrorDetails]":
    """The first thing that a model refuses: its place, such as `lora.r` ("" for the whole), and what is wrong."""
    first = error.errors()[0]
    return on_one_line(".".join(map(str, first["loc"]))), first


def format_first_error(error: "ValidationError") -> str:
    """`lora.r: Input should be greater than 0`; without a place if the model as a whole is refused."""
    place, first = find_first_error(error)
    return f"{place}: {first['msg']}" if place else first["msg"]


class UserError(Exception):
    """A mistake in a recipe, a data file or a command.

    The message is the whole story on one line: the place (`file:line`), the bad value, the good ones.
    """
