"""The output of commands: labelled lines, and tables in columns.

    print_field("found", "runs/robot-lora-20261120-141503: same recipe, data and versions")
    align([("run", "loss"), ("robot-lora-20261120-141503", "0.0312")])

found     runs/robot-lora-20261120-141503: same recipe, data and versions
run                         loss
robot-lora-20261120-141503  0.0312
"""

from collections.abc import Sequence

LABEL_CHARS = 9


def print_field(label: str, text: str) -> None:
    """Print a line; one without a label continues the line above it."""
    print(format_field(label, text))


def format_field(label: str, text: str) -> str:
    """`found     runs/robot-lora-20261120-141503`"""
    return f"{label:<{LABEL_CHARS}} {text}"


def align(rows: Sequence[Sequence[str]]) -> str:
    """A line a row, every column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
