"""A user's mistake, printed on one line without a traceback (exit status 2)."""

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def on_one_line(text: str) -> str:
    """A user's text, fit for a message: characters that would break or hide a line are escaped."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def find_first_error(error: "ValidationError") -> "tuple[str, ErrorDetails]":
    """The first thing that a model refuses: its place, such as `lora.r` ("" for the whole), and what is wrong."""
    first = error.errors()[0]
    # Their own words name a class of ours, or a kind of Python's.
    if first["type"] in ("model_type", "model_attributes_type"):
        first["msg"] = "Input should be an object"
    elif first["type"] == "tuple_type":
        first["msg"] = "Input should be a list"
    return on_one_line(".".join(map(str, first["loc"]))), first


def format_first_error(error: "ValidationError") -> str:
    """`lora.r: Input should be greater than 0`; without a place if the model as a whole is refused."""
    place, first = find_first_error(error)
    return f"{place}: {first['msg']}" if place else first["msg"]


def format_refusal(error: OSError) -> str | None:
    """What the system refuses, as `runs/x/manifest.json: No space left on device`; None for other errors of that kind.

    Of a copy, the file that was written is named; of many copies, the first that failed.
    """
    if error.args and isinstance(error.args[0], list):
        # shutil.Error, by its form: importing shutil takes as long as the rest of the command's start.
        _, target, reason = error.args[0][0]
        return on_one_line(f"{target}: {str(reason).partition('] ')[2] or reason}")
    name = error.filename2 or error.filename
    # tempfile's own words, where a full disk leaves it no folder that it can write to.
    no_room = error.errno in NO_ROOM or "temporary directory" in (error.strerror or "")
    if not error.strerror or not (name or no_room):
        return None
    return on_one_line(f"{name}: {error.strerror}" if name else error.strerror)


def take_first_line(error: BaseException) -> str:
    """What a library's exception says, up to its first line feed; its kind if it says nothing."""
    return on_one_line(str(error).strip().partition("\n")[0]) or type(error).__name__


class UserError(Exception):
    """A mistake in a recipe, a data file or a command.

    The message is the whole story on one line: the place (`file:line`), the bad value, the good ones.
    """
