r"""An episode as the report shows it: its transcript in; what the agent wrote and what the box printed, apart, out.

    "I delete it.\n\nAct: bash\n…\n\n> The output of the OS is empty."
    → [Piece("same", "I delete it.\n\nAct: bash\n…\n\n"), Piece("output", "> The output of the OS is empty.")]

A transcript is not compared with the reference, which is one known solution of many and has no outputs.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from eval.scoring.predictions import Prediction

QUOTED = ">"


class Piece(NamedTuple):
    """A part of an answer: in it and in the reference, in one of them alone, or the output of a box."""

    kind: str
    text: str


def is_transcript(prediction: Prediction) -> bool:
    """Whether an answer is that of an episode, which has rounds."""
    return "rounds" in (prediction.measures or {})


def split_transcript(text: str) -> Iterator[Piece]:
    """The agent's lines and the box's, in order."""
    lines = text.splitlines(keepends=True)
    for quoted, part in groupby(lines, lambda line: line.startswith(QUOTED)):
        yield Piece("output" if quoted else "same", "".join(part))
