"""All answers of an evaluation, read one by one, and packed for a page that unpacks only what is looked at.

    read_table(Path("runs/…/eval"), summary)  →  AnswerTable(rows=618, tuned={"exact": array("d", [1.0, …]), …}, …)
    pack_answers(Path("runs/…/eval"), table, summary, {17})
        →  PackedAnswers(contents={"rows": 618, "of": 618, …}, packs=("eJyLVn…", …), kept={17: EvaluatedAnswer(…)})

A pack is JSON, deflated and in base64. The first hold a column each: the values of a slice field, or one figure of the
tuned and the base model. All others hold the texts and scores of ROWS_PER_PACK rows. answers.js reads them.
"""

import base64
import json
import math
import zlib
from array import array
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from eval.report.transcripts import is_transcript
from eval.scoring.figures import Result
from eval.scoring.predictions import Prediction, stream_predictions
from eval.scoring.rows_of_answers import Scores
from eval.scoring.summary import Summary, format_slice_value
from recipebook.progress import ProgressLine

ROWS_PER_PACK = 1_000
# Longer texts are cut, with a note. Where all answers together are too large for a page, they are cut shorter.
SHOWN_CHARS = (2_000, 1_000, 500, 250, 125, 60)
# Characters of all packs: a page of 40 MB still opens within seconds.
BUDGET = 36_000_000
UNDEFINED = math.nan


class EvaluatedAnswer(NamedTuple):
    """An answer, and the figures of the tuned and of the base model's."""

    prediction: Prediction
    tuned: Scores
    base: Scores | None


class SliceColumn(NamedTuple):
    """The values of a slice field, and for each row the number of its value."""

    values: tuple[str, ...]
    codes: "array[int]"


class AnswerTable(NamedTuple):
    """The figures and slices of all rows, in columns; undefined is not a number. `base` may be empty."""

    rows: int
    tuned: dict[str, "array[float]"]
    base: dict[str, "array[float]"]
    slices: dict[str, SliceColumn]


class PackedAnswers(NamedTuple):
    """What the page holds: what is in the packs, the packs, and the answers that the page shows at once, by row."""

    contents: dict[str, Any]
    packs: tuple[str, ...]
    kept: dict[int, EvaluatedAnswer]


def read_answers(folder: Path) -> Iterator[EvaluatedAnswer]:
    """The answers in an evaluation's folder with their scores, in order."""
    predictions = stream_predictions(folder / "predictions.jsonl")
    with (folder / "scores.jsonl").open("rb") as scores:
        for prediction, line in zip(predictions, scores, strict=True):
            found = json.loads(line)
            yield EvaluatedAnswer(prediction, found["tuned"], found.get("base"))


def read_table(folder: Path, summary: Summary) -> AnswerTable:
    """Read the scores and slices of all answers."""
    figures = [result.figure for result in summary.results]
    tuned, base = ({figure: array("d") for figure in figures} for _ in range(2))
    fields = dict.fromkeys(part.field for part in summary.slices)
    values: dict[str, dict[str, int]] = {field: {} for field in fields}
    codes = {field: array("l") for field in fields}
    rows = 0
    for answer in read_answers(folder):
        rows += 1
        for columns, scores in ((tuned, answer.tuned), (base, answer.base or {})):
            for figure in figures:
                value = scores.get(figure)
                columns[figure].append(UNDEFINED if value is None else value)
        for field in fields:
            value_name = format_slice_value(answer.prediction, field)
            codes[field].append(values[field].setdefault(value_name, len(values[field])))
    slices = {field: SliceColumn(tuple(values[field]), codes[field]) for field in fields}
    return AnswerTable(rows, tuned, base if summary.with_base else {}, slices)


def pack_answers(
    folder: Path, table: AnswerTable, summary: Summary, wanted: Collection[int], budget: int = BUDGET
) -> PackedAnswers:
    """Pack all answers into at most `budget` characters, and keep the answers of the rows in `wanted` as they are."""
    columns = [_pack([list(column.values), list(column.codes)]) for column in table.slices.values()]
    for figure, tuned in table.tuned.items():
        both = [tuned, table.base[figure]] if table.base else [tuned]
        columns.append(_pack([[_round(value) for value in column] for column in both]))
    room = budget - sum(map(len, columns))
    for shown in SHOWN_CHARS:
        kept: dict[int, EvaluatedAnswer] = {}
        texts, fits = _pack_texts(folder, table.rows, shown, wanted, kept, room)
        if fits:
            break
    packed_rows = min(table.rows, ROWS_PER_PACK * len(texts))
    contents = {
        "rows": packed_rows,
        "of": table.rows,
        "rows_per_pack": ROWS_PER_PACK,
        "shown_chars": shown,
        "generated": summary.generated,
        "transcripts": any(is_transcript(one.prediction) for one in islice(read_answers(folder), 1)),
        "fields": [*table.slices],
        "figures": [
            {
                "name": result.figure,
                "binary": is_right_or_wrong(summary, result, table),
                "less_is_better": result.less_is_better,
            }
            for result in summary.results
        ],
    }
    return PackedAnswers(contents, (*columns, *texts), kept)


def is_right_or_wrong(summary: Summary, result: Result, table: AnswerTable) -> bool:
    """Whether each answer is right or wrong by a figure; of rows with several answers, figures are means of such."""
    if summary.answers is None:
        return result.binary
    return all(math.isnan(value) or value in (0.0, 1.0) for value in table.tuned[result.figure])


def cut_text(text: str, shown: int = SHOWN_CHARS[0]) -> str:
    """The beginning of a long text, and how much more there is."""
    return text if len(text) <= shown else f"{text[:shown]}… ({len(text) - shown} more characters)"


def _pack_texts(
    folder: Path, count: int, shown: int, wanted: Collection[int], kept: dict[int, EvaluatedAnswer], room: int
) -> tuple[list[str], bool]:
    """The packs that fit into the room, and whether these are all; fills `kept`."""
    packs: list[str] = []
    rows: list[Any] = []
    fits, line = True, ProgressLine("report")
    for at, answer in enumerate(read_answers(folder)):
        if at in wanted:
            kept[at] = answer
        rows.append(_lay_out(answer, shown))
        if len(rows) == ROWS_PER_PACK:
            fits = fits and _add_pack(packs, rows, room)
            rows = []
            line.draw(at + 1, count)
            if not fits and shown != SHOWN_CHARS[-1]:
                return packs, False
    line.clear()
    return packs, fits and (not rows or _add_pack(packs, rows, room))


def _add_pack(packs: list[str], rows: Sequence[Any], room: int) -> bool:
    packed = _pack(rows)
    if sum(map(len, packs)) + len(packed) > room:
        return False
    packs.append(packed)
    return True


def _lay_out(answer: EvaluatedAnswer, shown: int) -> list[Any]:
    item = answer.prediction
    texts = (item.prompt, item.reference, item.prediction, item.baseline)
    return [
        item.id,
        *(None if text is None else cut_text(text, shown) for text in texts),
        item.truncated,
        bool(item.baseline_truncated),
        [None if value is None else _round(value) for value in answer.tuned.values()],
        [None if value is None else _round(value) for value in (answer.base or {}).values()],
    ]


def _round(value: float) -> float | None:
    return (round(value, 4) or float(f"{value:.1g}")) if math.isfinite(value) else None


def _pack(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"), 6)).decode()
