r"""Preferences: two answers to one prompt, the better one known, or one answer that is known to be good or bad.

Pairs, in the shapes that a file may mix:

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"}, "tools": […], "meta": {…}}
    {"conversations": [{"from": "human", "value": "hi"}], "system": "Be kind.", "chosen": {"from": "gpt", …}, …}
    {"prompt": "hi", "chosen": "hello", "rejected": "no", "metadata": {…}}
    {"chosen": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}], "rejected": […]}
    {"chosen": "\n\nHuman: hi\n\nAssistant: hello", "rejected": "\n\nHuman: hi\n\nAssistant: no"}
    {"instruction": "Greet", "input": "Bob", "history": [["q", "a"]], "chosen": "hello", "rejected": "no"}
    {"messages": [{"role": "user", …}, {"role": "assistant", "content": "hello"}], "rejected_response": "no"}
    {"messages": [{"role": "user", …}, {"role": "assistant", "content": "hello"}], "rejected_messages": […]}
    {"query": "hi", "response": "hello", "rejected_response": "no", "history": [["q", "a"]]}
    {"input": {"messages": […], "tools": […]}, "preferred_output": […], "non_preferred_output": […]}
    {"input": "find red caps", "chosen_response": {"tool_sequence": ["search(query='red caps')"], "quality_score": 4.2},
     "rejected_response": {"tool_sequence": ["compare"], "quality_score": 2.8}}
    {"context": "find red caps", "chosen_trajectory": [{"tool_call": {"tool_name": "search", "arguments": {}}}],
     "rejected_trajectory": […], "preference_score": 0.5}

A prompt may be a text or messages, under `prompt`, `instruction`, `question` or `query`; an answer a text, a message,
or the whole chat, which then has to agree with the prompt. Out, for the last but one:

    {"messages": [{"role": "user", "content": "find red caps"}],
     "chosen": {"role": "assistant", "content": "<tool>search(query='red caps')</tool>"},
     "rejected": {"role": "assistant", "content": "<tool>compare()</tool>"},
     "meta": {"category": "uncategorised", "difference": 1.4, "ratio": 0.2}}

with a call a line. `difference` and `ratio` come from the two scores (`quality_score`, or `chosen_score` and
`rejected_score` and their like), `score` from the record's own `preference_score`; a value that the record lacks is not
in `meta`. Scores of no formula are kept in `meta` by their own names. Where the chosen answer has the lower score,
`meta.scores_reversed` is 1, and the account counts the row. A message's `image_data` is left out, and `meta.images`
counts it. Texts and numbers under `metadata` are kept in `meta`.

Answers with a label (`label`, `kto_tag`, `desirable`): true, 1, "good", "desirable" or "chosen", or false, 0, -1,
"bad", "undesirable" or "rejected":

    {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "go away"}], "label": false}
    {"prompt": "hi", "completion": "go away", "label": false}
    {"instruction": "Greet", "input": "Bob", "output": "go away", "kto_tag": false}

Out: rows that only the method kto learns from, as the others would learn a bad answer as a good one:

    {"messages": [{"role": "user", "content": "hi"}], "answer": {"role": "assistant", "content": "go away"},
     "label": false, "meta": {"category": "uncategorised"}}
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from converters._answers import check_called, find_prompt, read_asked
from converters._fields import take_text
from converters._labels import LABELS, find_answer, find_label, find_labelled, take_label
from converters._metadata import take_metadata
from converters._numbers import take_number
from converters._preference_fields import (
    BESIDE_RESPONSE,
    CATEGORIES,
    PAIRS,
    RESPONSES,
    SCORES,
    TRAJECTORIES,
    WHOLE_CHATS,
    find_pair,
    holds_sequence,
)
from converters._preference_fields import FIELDS as FIELDS
from converters._tool_sequences import format_calls, format_sequence
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, LeftOut, Message, Row, join_meta

WANTS = "'chosen' and 'rejected' answers, responses or trajectories, and their prompt; or an answer and its 'label'"
INSTEAD_OF = ("chat", "tools", "robot")
STRENGTHS = ("difference", "ratio", "score")
NOTES = {
    "images": "read without the image_data of its prompt",
    "scores_reversed": "has a chosen answer whose score is lower than the rejected one's",
}
_NAMED = frozenset(CATEGORIES)
_SCORED = frozenset(field for pair in SCORES for field in pair)
_MEASURED = _SCORED.union(RESPONSES, ("preference_score",))


class Options(Frozen):
    """What a recipe may set."""

    strength: Literal["difference", "ratio", "score"] | None = None
    """What `threshold` compares: chosen - rejected, (chosen - rejected) / (chosen + rejected), or the score."""
    threshold: float | None = None
    """Weaker pairs are left out. Choose it by the counts that `make plan` shows."""

    @field_validator("threshold")
    @classmethod
    def _must_have_a_formula(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        if threshold is not None and info.data.get("strength") is None:
            raise ValueError(f"means nothing without strength, one of {', '.join(STRENGTHS)}")
        return threshold


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its two answers, or by an answer and the label of it."""
    for pair in PAIRS:
        if all(record.get(field) is not None for field in pair):
            prompt = "context" if pair == TRAJECTORIES else find_prompt(record, pair)
            return f"have {_join([prompt, *pair] if prompt else pair)}"
    if _ends_with_chosen(record):
        return "have 'messages' and 'rejected_response'"
    beside = find_pair(record)
    if beside in (WHOLE_CHATS, BESIDE_RESPONSE):
        return f"have {_join(beside)}" if record.get(beside[0]) is not None else None
    labelled = find_labelled(record)
    return f"have {_join(labelled)}" if labelled else None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one pair, or its one answer with a label."""
    pair, known = find_pair(record), _take_known(record)
    label = None if pair else find_label(record)
    if not pair and not label and not record.keys().isdisjoint(LABELS):
        raise BadRecord("its label is null")
    row = _convert_labelled(record, label, known) if label else _convert_pair(record, pair or PAIRS[0], known)
    if (known or not _MEASURED.isdisjoint(record)) and (strengths := _measure(record, known)):
        if row["meta"].keys().isdisjoint(strengths):
            row["meta"].update(strengths)
        else:
            row["meta"] = join_meta(row["meta"], strengths)
    meta = row["meta"]
    if "chosen" in row and _is_negative(meta.get("difference")):
        meta["scores_reversed"] = 1
    if options.strength is not None and options.threshold is not None:
        found = meta.get(options.strength)
        if found is None:
            raise BadRecord(f"has no {options.strength}, which the threshold compares")
        if found < options.threshold:
            raise LeftOut("strength under the threshold")
    return [row]


def compare_scores(chosen: float, rejected: float) -> dict[str, float]:
    """The two formulas of strength; no ratio if the scores add up to 0."""
    difference, total = chosen - rejected, chosen + rejected
    # Rounded, so that 1.7 - 1.1 is not under a threshold of 0.6.
    if not total:
        return {"difference": round(difference, 6)}
    return {"difference": round(difference, 6), "ratio": round(difference / total, 6)}


def _measure(record: dict[str, Any], known: dict[str, Any]) -> dict[str, float]:
    """How much better the chosen answer is, by each formula whose scores are there, and the scores of no formula."""
    response, other = record.get("chosen_response"), record.get("rejected_response")
    measured = _take_scores(record, known)
    if holds_sequence(response):
        chosen = take_number(response, "quality_score")
        rejected = take_number(other, "quality_score") if type(other) is dict else None
    else:
        pair = next((pair for pair in SCORES if measured.keys() >= set(pair)), None) if measured else None
        chosen, rejected = (measured.pop(pair[0]), measured.pop(pair[1])) if pair else (None, None)
    if chosen is not None and rejected is not None:
        measured |= compare_scores(chosen, rejected)
    score = take_number(record, "preference_score", written=True) if "preference_score" in record else None
    return measured if score is None else {**measured, "score": score}


def _is_negative(difference: Any) -> bool:
    return type(difference) in (int, float) and difference < 0


def _take_scores(record: dict[str, Any], known: dict[str, Any]) -> dict[str, float]:
    """The scores of the answers that the record or its metadata has."""
    if _SCORED.isdisjoint(record) and _SCORED.isdisjoint(known):
        return {}
    holder = {**record, **known}
    found = ((field, take_number(holder, field, written=True)) for pair in SCORES for field in pair if field in holder)
    return {field: score for field, score in found if score is not None}


def _convert_pair(record: dict[str, Any], pair: tuple[str, str], known: dict[str, Any]) -> Row:
    prompt, (chosen, rejected), tools, images = _read_pair(record, pair)
    if chosen["content"].strip() == rejected["content"].strip() and _list_calls(chosen) == _list_calls(rejected):
        raise BadRecord("the chosen and the rejected answer are the same")
    meta = _describe(record, images, known)
    if not tools:
        return {"messages": prompt, "chosen": chosen, "rejected": rejected, "meta": meta}
    check_called(prompt, chosen, tools)
    return {"messages": prompt, "chosen": chosen, "rejected": rejected, "tools": tools, "meta": meta}


def _convert_labelled(record: dict[str, Any], label: str, known: dict[str, Any]) -> Row:
    good, field = take_label(record, label), find_answer(record)
    if field is None:
        raise BadRecord(f"has '{label}' and no answer")
    prompt, (answer,), tools, images = read_asked(record, (field,))
    meta = _describe(record, images, known)
    if not tools:
        return {"messages": prompt, "answer": answer, "label": good, "meta": meta}
    if good:
        check_called(prompt, answer, tools)
    return {"messages": prompt, "answer": answer, "label": good, "tools": tools, "meta": meta}


def _read_pair(
    record: dict[str, Any], pair: tuple[str, str]
) -> tuple[list[Message], list[Message], list[dict[str, Any]], int]:
    """The parts of `Asked`."""
    if pair is RESPONSES and _ends_with_chosen(record):
        *before, chosen = record["messages"]
        return read_asked({**record, "messages": before, "chosen": [chosen]}, ("chosen", "rejected_response"))
    if pair is RESPONSES and (record.get(pair[0]) is None or holds_sequence(record[pair[0]])):
        return _ask(record, "input", format_sequence(record, pair[0]), format_sequence(record, pair[1]))
    if pair is TRAJECTORIES:
        chosen, rejected = (format_calls(record.get(field), field) for field in pair)
        return _ask(record, "context", chosen, rejected)
    return read_asked(record, pair)


def _ends_with_chosen(record: dict[str, Any]) -> bool:
    """Whether the last message is the chosen answer, beside which the rejected one stands, as in ms-swift's data."""
    listed, rejected = record.get("messages"), record.get("rejected_response")
    is_alone = record.get("chosen_response") is None and record.get("chosen") is None
    return is_alone and type(rejected) is str and type(listed) is list and bool(listed)


def _ask(
    record: dict[str, Any], field: str, chosen: str, rejected: str
) -> tuple[list[Message], list[Message], list[dict[str, Any]], int]:
    prompt: list[Message] = [{"role": "user", "content": take_text(record, field)}]
    answers: list[Message] = [{"role": "assistant", "content": chosen}, {"role": "assistant", "content": rejected}]
    return prompt, answers, [], 0


def _list_calls(answer: Message) -> list[Any]:
    return [call["function"] for call in answer.get("tool_calls", ())]


def _describe(record: dict[str, Any], images: int, known: dict[str, Any]) -> dict[str, Any]:
    """The meta of a row, the measured strengths aside."""
    is_named = not _NAMED.isdisjoint(record)
    category = (is_named and _find_category(record)) or (known and _find_category(known))
    meta: dict[str, Any] = {}
    if category or not (known.get("category") or _was_row(record)):
        meta["category"] = category or "uncategorised"
    # A record's own image is one of its messages', where they have any.
    if images or record.get("image_data") is not None:
        meta["images"] = max(images, 1)
    for key in CATEGORIES if is_named else ():
        # Of several, the others are kept under their own names.
        if key in record and type(record[key]) is str and record[key] not in ("", category):
            meta[key] = record[key]
    return join_meta(_keep_known(known, meta.get("category")), meta) if known else meta


def _keep_known(known: dict[str, Any], category: str | None) -> dict[str, Any]:
    """What of a record's metadata became neither the category nor a strength."""
    left = {key: known[key] for key in known if key not in _SCORED and (key not in _NAMED or known[key] != category)}
    if not left:
        return {}
    kept = take_metadata({"metadata": left})
    for key in STRENGTHS:
        # A strength is a number.
        if type(kept.get(key)) is str:
            kept[f"metadata_{key}"] = kept.pop(key)
    return kept


def _find_category(holder: dict[str, Any]) -> str | None:
    for field in CATEGORIES:
        if field in holder and type(holder[field]) is str and holder[field]:
            return str(holder[field])
    return None


def _was_row(record: dict[str, Any]) -> bool:
    """Whether a record is a row, or one that was exported: its metadata is then complete."""
    if type(record.get("metadata")) is not dict and type(record.get("meta")) is not dict:
        return False
    parts = [record.get(field) for field in ("prompt", "chosen", "rejected", "completion") if field in record]
    return type(record.get("messages")) is list or all(type(part) is list for part in parts)


def _take_known(record: dict[str, Any]) -> dict[str, Any]:
    """A record's metadata, or a row's meta."""
    if "meta" not in record and "metadata" not in record:
        return {}
    meta, metadata = record.get("meta"), record.get("metadata")
    known: dict[str, Any] = metadata if type(metadata) is dict else {}
    return join_meta(known, meta) if type(meta) is dict else known


def _join(fields: Sequence[str]) -> str:
    *others, last = [f"'{field}'" for field in fields]
    return f"{', '.join(others)} and {last}" if others else last
