"""What a user did wrong, told in one line and without a traceback (exit status 2)."""


def on_one_line(text: str) -> str:
    """Text that a user wrote, fit for a message: what would break or hide a line is written as an escape."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class UserError(Exception):
    """A mistake in a recipe, a data file or a command.

    The message is the whole story on one line: the place (`file:line`), the bad value, the good ones.
    """
