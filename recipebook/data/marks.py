"""Marks that say whether something is to be learned, under the names that data has for them: a field in, yes or no out.

    read_mark("weight", 0) → False      read_mark("train", True) → True      read_mark("masked", "true") → False

A weight between 0 and 1 cannot be followed: None. Nor can marks of parts, such as `token_weights: [1, 0, 1]`.
"""

import mmap
import re
from pathlib import Path
from typing import Any

# fmt: off
_LEARNED_IF_TRUE = (
    "weight", "loss_weight", "train", "training", "trainable", "is_trainable", "train_on", "do_train", "to_train",
    "learn", "learnable", "is_learned", "loss", "compute_loss", "calculate_loss", "loss_mask", "loss_scale",
    "requires_loss", "supervise", "supervised", "sample_weight", "example_weight", "instance_weight", "record_weight",
    "row_weight", "output_with_loss",
)
_LEARNED_IF_FALSE = (
    "mask", "masked", "is_masked", "mask_loss", "ignore", "ignored", "ignore_loss", "skip", "skip_loss", "no_loss",
    "no_train",
)
# fmt: on
_IN_PARTS = ("train_detail", "training_detail")
WEIGHTS = frozenset(name for name in _LEARNED_IF_TRUE if "weight" in name or name == "loss_scale")
"""The marks that say how much of a thing is to be learned."""
MARKS = frozenset((*_LEARNED_IF_TRUE, *_LEARNED_IF_FALSE, *_IN_PARTS))
"""The names of all marks; `train_detail` marks parts of a turn, which cannot be followed."""

# One number for each token, word, span or turn, or one for a kind of text alone.
_FINER = re.compile(
    r"(?:(?:token|word|span|sentence|turn|message|label|target|loss|train|training|assistant|completion|response|answer"
    r"|chosen|rejected|output|prompt|input)s?_)+(?:weight|mask)s?|loss_scales|weights|masks"
)
_SAYING_NOTHING = (None, True, 1, "")
_VALUES = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}


def read_mark(key: str, value: Any) -> bool | None:
    """Whether a thing with this mark is to be learned; None where the value is neither yes nor no."""
    said = None if key in _IN_PARTS else _VALUES.get(str(value).lower())
    return said if said is None or key in _LEARNED_IF_TRUE else not said


def marks_parts(key: str, value: Any) -> bool:
    """Whether a field says of parts of a text that they are not learned as the others are, such as a mask by tokens."""
    if not _FINER.fullmatch(key.lower()):
        return False
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list | tuple):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
        elif one not in _SAYING_NOTHING:
            return True
    return False


def has_masked(rows: Path) -> bool:
    """Whether a message of the rows in a file has `"train": false`."""
    with rows.open("rb") as file:
        if not rows.stat().st_size:
            return False
        # Inside a string, the quotes would be escaped.
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return text.find(b'"train":false') >= 0
