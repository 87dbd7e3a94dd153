"""An answer a record with its ratings, several to one prompt, as HelpSteer2 has them: pairs of these answers.

    {"prompt": "hi", "response": "hello", "helpfulness": 4, "correctness": 4, "coherence": 4, "complexity": 1,
     "verbosity": 1}
    {"prompt": "hi", "response": "no", "helpfulness": 1, …}

The first record of a prompt gets the answers of the others, also from another file of the source. Out, for the first:

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"},
     "meta": {"category": "uncategorised", "difference": 3.0, "ratio": 0.6}}

The other records of the prompt are left out, and so are prompts with one answer, or with answers of one rating. The
converter chat reads such data as chats, the bad answers as well.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from converters import ranked
from converters._blocks import PARTS
from converters._fields import take_text
from converters._numbers import take_number
from recipebook.data.fields import RECORD_HARMLESS, Fields, Inner
from recipebook.records import Record, name_kind
from recipebook.rows import BadRecord, LeftOut, Row

WANTS = "'prompt', 'response' and ratings of it, 'helpfulness' and 'correctness'"
INSTEAD_OF = ("chat",)
STRENGTHS = ranked.STRENGTHS
NOTES = ranked.NOTES

OTHERS, TAKEN = "other_answers", "is_among_other_answers"
"""Where `join` puts the other records of a prompt, and what those have."""

Rating = Literal["helpfulness", "correctness", "coherence"]


class Options(ranked.Options):
    """What a recipe may set."""

    by: Rating = "helpfulness"
    """The rating that says which answer is better."""


def _declare(rating: Rating) -> Fields:
    read: dict[str, Inner] = {"prompt": PARTS, "response": PARTS, rating: None}
    answer = Fields("answer", read, RECORD_HARMLESS)
    return Fields("record", {**read, OTHERS: answer, TAKEN: None}, RECORD_HARMLESS)


_RATINGS: tuple[Rating, ...] = ("helpfulness", "correctness", "coherence")
_DECLARED = {rating: _declare(rating) for rating in _RATINGS}
FIELDS = _DECLARED["helpfulness"]


def choose_fields(options: Options) -> Fields:
    """What is read of a record, by the options."""
    return _DECLARED[options.by]


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by an answer and its ratings."""
    if all(record.get(field) is not None for field in ("prompt", "response", "helpfulness", "correctness")):
        return "have 'prompt', 'response', 'helpfulness' and 'correctness'"
    return None


def choose_join(options: Options) -> Callable[[Iterable[Record]], Iterator[Record]]:
    """The step that puts the answers to a prompt together."""
    return _join


def _join(records: Iterable[Record]) -> Iterator[Record]:
    """The same records in the same number; the first of each prompt has the others."""
    held = list(records)
    by_prompt = defaultdict[str, list[dict[str, Any]]](list)
    for record in held:
        if (prompt := _find_prompt(record)) is not None and isinstance(record.value, dict):
            by_prompt[prompt].append(record.value)
    seen = set[str]()
    for record in held:
        prompt = _find_prompt(record)
        if prompt is None or not isinstance(record.value, dict):
            yield record
            continue
        beside: Any = {TAKEN: True} if prompt in seen else {OTHERS: by_prompt[prompt][1:]}
        seen.add(prompt)
        yield record._replace(value={**record.value, **beside})


def _find_prompt(record: Record) -> str | None:
    value = record.value
    prompt = value.get("prompt") if isinstance(value, dict) else None
    return prompt if type(prompt) is str else None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The pairs of a prompt's answers."""
    if record.get(TAKEN) is not None:
        raise LeftOut("is in the pairs of an earlier record of its prompt")
    others: Any = record.get(OTHERS) or []
    if type(others) is not list:
        raise BadRecord(f"'{OTHERS}' is {name_kind(others)}, not a list")
    completions = [_take_answer(each, options.by) for each in (record, *others)]
    if len(completions) == 1:
        raise LeftOut("is the only answer to its prompt")
    return ranked.convert({"instruction": take_text(record, "prompt"), "completions": completions}, options)


def _take_answer(record: Any, rating: Rating) -> dict[str, Any]:
    """An answer as the converter ranked reads it."""
    if type(record) is not dict:
        raise BadRecord(f"an item of '{OTHERS}' is {name_kind(record)}, not an object")
    number = take_number(record, rating, written=True)
    if number is None:
        raise BadRecord(f"missing '{rating}'")
    return {"response": take_text(record, "response"), "overall_score": number}
