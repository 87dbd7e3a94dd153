"""Texts that a spreadsheet would run: a text in; whether it is one, or the same text disarmed, out.

    disarm("=HYPERLINK(…)")  →  '=HYPERLINK(…)
    disarm("robot.stop()")   →  robot.stop()

What a model answered, or data say, is text that no program may run. A spreadsheet takes a cell of a CSV file for a
formula if it begins with `=`, `+`, `-` or `@`, also in the wide form that Japanese keyboards write, or with white space
that it passes over. An apostrophe in front makes it text, as OWASP's page on CSV injection advises. Apostrophes that
already stand in front of such a sign get one more, so that `arm` finds every text again.
"""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run it, or would if the apostrophes in front of it were taken away."""
    return _FORMULA.match(text) is not None


def disarm(text: str) -> str:
    """The text as a cell of CSV that no spreadsheet runs."""
    return f"'{text}" if is_formula(text) else text


def arm(cell: str) -> str:
    """The text of which `disarm` made the cell."""
    return cell[1:] if cell.startswith("'") and is_formula(cell) else cell
