r"""Several answers to one prompt with their ranks or scores, as Nectar and UltraFeedback have them: pairs of them.

    {"prompt": "\n\nHuman: hi\n\nAssistant: ", "answers": [{"answer": "hello", "rank": 1}, {"answer": "no", "rank": 2}]}
    {"instruction": "hi", "completions": [{"response": "no", "overall_score": 3}, {"response": "hello",
     "overall_score": 8}]}

Out, for the second:

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"},
     "meta": {"category": "uncategorised", "difference": 5.0, "ratio": 0.454545}}

For ranks, of which 1 is the best, `meta.score` is how many ranks lie between the answers in place of `difference` and
`ratio`. Two answers of the same rank or score make no pair. `meta.other_answers` counts the answers that are in no
pair, and the account counts the records that have some.
"""

from contextlib import suppress
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from converters import preference
from converters._blocks import PARTS
from converters._fields import take_text
from converters._metadata import METADATA
from converters._tool_lists import TOOLS
from converters._turns import SYSTEMS
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, Inner, Shapes
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Row, join_meta

WANTS = "'prompt' and 'answers' with 'rank', or 'instruction' and 'completions' with 'overall_score'"
STRENGTHS = preference.STRENGTHS
NOTES = {**preference.NOTES, "other_answers": "has more answers than its pairs hold"}


class _AnswerKeys(NamedTuple):
    """The fields of the prompt, of the list of answers, and of an answer's text and number."""

    prompt: str
    answers: str
    text: str
    number: str


_RANKS = _AnswerKeys("prompt", "answers", "answer", "rank")
_SCORES = _AnswerKeys("instruction", "completions", "response", "overall_score")


def _declare(shape: _AnswerKeys) -> Fields:
    answer = Fields("answer", {shape.text: PARTS, shape.number: None}, PART_HARMLESS)
    beside: dict[str, Inner] = {**dict.fromkeys(SYSTEMS, PARTS), "tools": TOOLS, **METADATA}
    return Fields("record", {shape.prompt: PARTS, shape.answers: answer, **beside}, RECORD_HARMLESS)


_OF_RANKS, _OF_SCORES = _declare(_RANKS), _declare(_SCORES)
FIELDS = Shapes(lambda record: _OF_SCORES if record.get("answers") is None else _OF_RANKS, (_OF_RANKS, _OF_SCORES))


class Options(preference.Options):
    """What a recipe may set."""

    pairs: Literal["best and worst", "best and each"] = "best and worst"
    """One pair for each record, or one for each answer that is worse than the best."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its list of answers with a rank or a score."""
    for shape in (_RANKS, _SCORES):
        listed = record.get(shape.answers)
        first = listed[0] if type(listed) is list and listed else None
        if type(first) is dict and shape.text in first and shape.number in first and record.get(shape.prompt):
            return f"have '{shape.prompt}' and '{shape.answers}' with '{shape.number}'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's pairs."""
    shape = _RANKS if record.get("answers") is not None else _SCORES
    best, *others = _sort(record, shape)
    worse = [other for other in others if other[1] != best[1]]
    if not worse:
        raise LeftOut("has no two answers of which one is better")
    chosen = worse if options.pairs == "best and each" else worse[-1:]
    rows: list[Row] = []
    for other in chosen:
        # Of several pairs some may be too weak.
        with suppress(LeftOut):
            rows += preference.convert(_pair(record, shape, best, other), options)
    if not rows:
        raise LeftOut("strength under the threshold")
    if more := len(others) - len(rows):
        rows[0]["meta"] = join_meta(rows[0]["meta"], {"other_answers": more})
    return rows


def _sort(record: dict[str, Any], shape: _AnswerKeys) -> list[tuple[str, float]]:
    """The answers with their numbers, the best first."""
    listed = record.get(shape.answers)
    if type(listed) is not list:
        wrong = "missing" if listed is None else f"{name_kind(listed)}, not a list"
        raise BadRecord(f"'{shape.answers}' is {wrong}")
    if not listed:
        raise BadRecord(f"'{shape.answers}' is empty")
    answers = [_read_answer(answer, shape) for answer in listed]
    return sorted(answers, key=itemgetter(1), reverse=shape is _SCORES)


def _read_answer(answer: Any, shape: _AnswerKeys) -> tuple[str, float]:
    if type(answer) is not dict:
        raise BadRecord(f"an item of '{shape.answers}' is {name_kind(answer)}, not an object")
    number: Any = answer.get(shape.number)
    if type(number) not in (int, float):
        raise BadRecord(f"'{shape.number}' of an answer is {name_kind(number)}, not a number")
    return take_text(answer, shape.text, " of an answer"), number


def _pair(
    record: dict[str, Any], shape: _AnswerKeys, best: tuple[str, float], other: tuple[str, float]
) -> dict[str, Any]:
    """A pair as the converter preference reads it."""
    pair = {"prompt": take_text(record, shape.prompt), "chosen": best[0], "rejected": other[0]}
    pair |= {field: record[field] for field in (*SYSTEMS, "tools", *METADATA) if field in record}
    if shape is _RANKS:
        return {**pair, "preference_score": other[1] - best[1]}
    return {**pair, "chosen_score": best[1], "rejected_score": other[1]}
