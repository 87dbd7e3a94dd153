"""What a user did wrong, told in one line and without a traceback (exit status 2)."""


class UserError(Exception):
    """A mistake in a recipe, a data file or a command.

    The message is the whole story on one line: the place (`file:line`), the bad value, the good ones.
    """
