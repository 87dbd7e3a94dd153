"""Predictions: a JSONL file of answers, or a JSON list of them, in, a list of `Prediction` out.

    {"id": "samples/robot.json#12", "prompt": "go ahead 2 m", "reference": "robot.move_forward(distance=2)",
     "prediction": "robot.move_forward(distance=2.0)", "baseline": "Sure!", "meta": {"category": "movement"},
     "new_tokens": 9, "truncated": false, "baseline_truncated": true}

Only `prediction` and `reference` must be there, so any other system's answers can be scored; a line without an
`id` is named by its number, and keys that are not known here go to `meta`. `baseline` is the base model's answer;
`measures` and `baseline_measures` are what else was measured of both models, such as log-probabilities. Lines with
the same `unit` (a dialogue, a persona) are taken together in intervals and tests. `question_hash` is the hash of the
whole prompt and its answer; it identifies the same row in another run's predictions. Lines with the same `row` are
several answers to it, and count as one (eval/scoring/rows_of_answers.py).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pydantic import Field, ValidationError

from recipebook.errors import UserError, find_first_error
from recipebook.frozen import Frozen
from recipebook.sources.blocks import open_file
from recipebook.sources.extents import find_items
from recipebook.sources.unpacking import BLOCK
from recipebook.suggestions import shorten


class Prediction(Frozen):
    """An answer beside the reference it is measured by."""

    id: str
    prompt: str = ""
    reference: str
    prediction: str
    baseline: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)
    new_tokens: int | None = None
    truncated: bool = False
    baseline_truncated: bool | None = None
    measures: dict[str, float] | None = None
    baseline_measures: dict[str, float] | None = None
    unit: str | None = None
    question_hash: str | None = None
    row: str | None = None

    @property
    def group(self) -> str:
        """Answers that share one are not independent of each other: the `unit` if given, else the record."""
        return self.unit or str(self.meta.get("origin", self.id))


_ANY = set[str]()


def read_predictions(path: Path) -> list[Prediction]:
    """Read a whole predictions file; no id may repeat, and either every line has a baseline or none."""
    return [*stream_predictions(path)]


def stream_predictions(path: Path) -> Iterator[Prediction]:
    """The same, one after another: of a file with no predictions it is known at its end."""
    first_seen: dict[str, int] = {}
    with_baseline: bool | None = None
    for number, line, record in _read_objects(path):
        prediction = _parse_prediction(record, number, f"{path}:{line}")
        if prediction.id in first_seen:
            raise UserError(f"{path}:{line}: id {prediction.id!r} again; it stands on line {first_seen[prediction.id]}")
        first_seen[prediction.id] = line
        if with_baseline is None:
            with_baseline = prediction.baseline is not None
        if (prediction.baseline is not None) != with_baseline:
            raise UserError(f"{path}:{line}: 'baseline' must be on every line or on none")
        yield prediction
    if with_baseline is None:
        raise UserError(f"{path}: no predictions in it")


def _read_objects(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """The objects of a file of lines or of a list, each with its number and its line."""
    with open_file(path, str(path)) as file:
        for number, line, text in _read_texts(file, str(path)):
            try:
                record = json.loads(text.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise UserError(f"{path}:{line}: not UTF-8 at byte {error.start + 1}") from None
            except json.JSONDecodeError as error:
                # Some of Python's messages end with their "at".
                fault = f"{error.msg.removesuffix(' at')} at column {error.colno}"
                raise UserError(f"{path}:{line}: not JSON: {fault}") from None
            except (ValueError, RecursionError):
                raise UserError(f"{path}:{line}: not JSON that can be read: too long a number or too deep") from None
            if not isinstance(record, dict):
                raise UserError(f"{path}:{line}: a JSON object was expected, not {type(record).__name__}")
            yield number, line, record


def _read_texts(file: IO[bytes], name: str) -> Iterator[tuple[int, int, bytes]]:
    begins = file.read(BLOCK).lstrip()[:1]
    file.seek(0)
    if begins == b"[":
        items = find_items(iter(lambda: file.read(BLOCK), b""), name)
        yield from ((number, line, text) for number, (line, text) in enumerate(items, 1))
    else:
        yield from ((line, line, text) for line, text in enumerate(file, 1) if text.strip())


def _parse_prediction(record: dict[str, Any], number: int, place: str) -> Prediction:
    known = {key: value for key, value in record.items() if key in Prediction.model_fields and key != "meta"}
    meta = record.get("meta", {})
    if not isinstance(meta, dict):
        raise UserError(f"{place}: 'meta' must be an object, not {meta!r}")
    extra = {key: value for key, value in record.items() if key not in Prediction.model_fields}
    identity = record.get("id", number)
    if isinstance(identity, int):
        known["id"] = str(identity)
    try:
        found = Prediction(**known, meta={**extra, **meta})
    except ValidationError as error:
        key, first = find_first_error(error)
        raise UserError(f"{place}: '{key}': {first['msg']}, got {shorten(repr(first['input']), 80)}") from None
    # Nobody asks which fields a line had, and a set of them for each line takes a third of the memory.
    object.__setattr__(found, "__pydantic_fields_set__", _ANY)
    return found
