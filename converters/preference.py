r"""Preference pairs: two answers to one prompt, the better one known.

In, five shapes, which a file may mix; the first four in short:

    {"input": "find red caps", "chosen_response": {"tool_sequence": ["search(query='red caps')"], "quality_score": 4.2},
     "rejected_response": {"tool_sequence": ["compare"], "quality_score": 2.8}}
    {"context": "find red caps", "chosen_trajectory": [{"tool_call": {"tool_name": "search", "arguments": {}}}],
     "rejected_trajectory": […], "preference_score": 0.5}
    {"conversations": [{"from": "human", "value": "hi"}], "chosen": {"from": "gpt", "value": "…"}, "rejected": {…}}
    {"prompt": [{"role": "user", "content": "hi"}], "chosen": "…", "rejected": "…", "metadata": {…}}

and `prompt`, `chosen` and `rejected` as strings or messages alone. Out, for the first:

    {"messages": [{"role": "user", "content": "find red caps"}],
     "chosen": {"role": "assistant", "content": "<tool>search(query='red caps')</tool>"},
     "rejected": {"role": "assistant", "content": "<tool>compare()</tool>"},
     "meta": {"category": "uncategorised", "difference": 1.4, "ratio": 0.2}}

with a call a line. `difference` and `ratio` come from the two quality scores, `score` from the record's own
`preference_score`; a value that the record lacks is not in `meta`. A message's `image_data` is left out, and
`meta.images` counts it.
"""

import re
from typing import Any, Literal, NamedTuple

from pydantic import ValidationInfo, field_validator

from converters._fields import take_text
from converters._turns import PARTS, ROLES
from recipebook.data.fields import OBJECT, PART_HARMLESS, RECORD_HARMLESS, Fields, Shapes
from recipebook.data.marks import MARKS
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Message, Row
from recipebook.text.inline_calls import find_spans, format_call

WANTS = "'chosen' and 'rejected' answers, responses or trajectories, and their prompt"
SPECIAL_CASE_OF = ("chat", "tools")
STRENGTHS = ("difference", "ratio", "score")
CATEGORIES = ("category", "rejection_type", "conversation_type", "dpo_type", "type")
"""Fields of the record's metadata that name the kind of pair, the most specific first."""

_CALL = Fields("call", {"tool_name": None, "arguments": None}, PART_HARMLESS)
_WRAPPED = Fields("call", {"tool_call": _CALL}, PART_HARMLESS | {"position"})
_CALLS = Shapes(lambda call: _WRAPPED if "tool_call" in call else _CALL, (_WRAPPED, _CALL))
_RESPONSE = Fields("response", {"tool_sequence": _CALLS, "quality_score": None}, PART_HARMLESS)
# The marks of messages before the answers change nothing, since a pair's prompt is never learned.
_MESSAGE = Fields(
    "message",
    {**dict.fromkeys(("role", "from", "value", "image_data", "tool_calls", *MARKS)), "content": PARTS},
    PART_HARMLESS,
)
_ANSWER = Fields("answer", {**dict.fromkeys(("role", "from", "value", "tool_calls")), "content": PARTS}, PART_HARMLESS)


def _declare(**fields: Any) -> Fields:
    read = {**dict.fromkeys(CATEGORIES), "preference_score": None, "metadata": OBJECT, **fields}
    return Fields("record", read, RECORD_HARMLESS)


_RESPONSES = _declare(input=None, chosen_response=_RESPONSE, rejected_response=_RESPONSE)
_TRAJECTORIES = _declare(context=None, chosen_trajectory=_CALLS, rejected_trajectory=_CALLS)
_CONVERSATIONS, _PROMPT = (
    _declare(**{prompt: _MESSAGE, "chosen": _ANSWER, "rejected": _ANSWER}) for prompt in ("conversations", "prompt")
)


def _choose_fields(record: dict[str, Any]) -> Fields:
    if record.get("chosen_response") is not None:
        return _RESPONSES
    if record.get("chosen_trajectory") is not None:
        return _TRAJECTORIES
    return _PROMPT if record.get("conversations") is None else _CONVERSATIONS


FIELDS = Shapes(_choose_fields, (_RESPONSES, _TRAJECTORIES, _CONVERSATIONS, _PROMPT))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*+")
# For speed: most calls match this pattern, and are known to be valid without being parsed.
_VALUE = r"(?:'[^'\\<\[]*+'|[\w.+-]++)"
_PLAIN = re.compile(
    rf"[A-Za-z_][A-Za-z0-9_.]*+\((?:\w++=(?:{_VALUE}|\[(?:{_VALUE}(?:, |(?=\])))*+\])(?:, |(?=\))))*+\)"
)
_LARGEST = 1e100


class _Pair(NamedTuple):
    """The prompt, both answers, and the number of images left out."""

    prompt: list[Message]
    chosen: str
    rejected: str
    images: int


class Options(Frozen):
    """What a recipe may set."""

    strength: Literal["difference", "ratio", "score"] | None = None
    """What `threshold` compares: chosen - rejected, (chosen - rejected) / (chosen + rejected), or the record's "
    "score."""
    threshold: float | None = None
    """Weaker pairs are left out. Choose it by the counts that `make plan` shows."""

    @field_validator("threshold")
    @classmethod
    def _must_have_a_formula(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        if threshold is not None and info.data.get("strength") is None:
            raise ValueError(f"means nothing without strength, one of {', '.join(STRENGTHS)}")
        return threshold


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its two answers and the prompt that goes with them."""
    for chosen, rejected, prompts in (
        ("chosen_response", "rejected_response", ("input",)),
        ("chosen_trajectory", "rejected_trajectory", ("context",)),
        ("chosen", "rejected", ("conversations", "prompt")),
    ):
        prompt = next((field for field in prompts if record.get(field) is not None), None)
        if prompt and record.get(chosen) is not None and record.get(rejected) is not None:
            return f"have '{prompt}', '{chosen}' and '{rejected}'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one pair."""
    prompt, chosen, rejected, images = _read_pair(record)
    if chosen.strip() == rejected.strip():
        raise BadRecord("the chosen and the rejected answer are the same")
    meta: dict[str, Any] = {"category": _find_category(record)}
    if images:
        meta["images"] = images
    strengths = measure_strength(record)
    for name, strength in strengths.items():
        if strength is not None:
            meta[name] = strength
    if options.strength is not None and options.threshold is not None:
        found = strengths[options.strength]
        if found is None:
            raise BadRecord(f"tells no {options.strength}, which the threshold goes by")
        if found < options.threshold:
            raise LeftOut("strength under the threshold")
    row: Row = {
        "messages": prompt,
        "chosen": {"role": "assistant", "content": chosen},
        "rejected": {"role": "assistant", "content": rejected},
        "meta": meta,
    }
    return [row]


def measure_strength(record: dict[str, Any]) -> dict[str, float | None]:
    """How much better the chosen answer is, by each formula; None if the record lacks the scores."""
    metadata = record.get("metadata")
    known = metadata if type(metadata) is dict else {}
    response = record.get("chosen_response")
    if type(response) is dict:
        other = record.get("rejected_response")
        chosen = _take_number(response, "quality_score")
        rejected = _take_number(other, "quality_score") if type(other) is dict else None
    else:
        chosen, rejected = _take_number(known, "chosen_score"), _take_number(known, "rejected_score")
    score = _take_number(record, "preference_score")
    if chosen is None or rejected is None:
        return {"difference": None, "ratio": None, "score": score}
    return {**compare_scores(chosen, rejected), "score": score}


def compare_scores(chosen: float, rejected: float) -> dict[str, float | None]:
    """The two formulas of strength; the ratio is None if the scores add up to 0."""
    difference, total = chosen - rejected, chosen + rejected
    # Rounded, so that 1.7 - 1.1 is not under a threshold of 0.6.
    return {"difference": round(difference, 6), "ratio": round(difference / total, 6) if total else None}


def _read_pair(record: dict[str, Any]) -> _Pair:
    if record.get("chosen_response") is not None:
        chosen = _format_calls(_take_sequence(record, "chosen_response"), "tool_sequence")
        rejected = _format_calls(_take_sequence(record, "rejected_response"), "tool_sequence")
        return _Pair([{"role": "user", "content": take_text(record, "input")}], chosen, rejected, 0)
    if record.get("chosen_trajectory") is not None:
        chosen = _format_calls(record["chosen_trajectory"], "chosen_trajectory")
        rejected = _format_calls(record.get("rejected_trajectory"), "rejected_trajectory")
        return _Pair([{"role": "user", "content": take_text(record, "context")}], chosen, rejected, 0)
    before, chosen = _read_answer(record, "chosen")
    also_before, rejected = _read_answer(record, "rejected")
    field = "prompt" if record.get("conversations") is None else "conversations"
    if before and record.get(field) is None:
        prompt, images, field = before, 0, "chosen"
    else:
        prompt, images = _read_prompt(record, field)
    if not any(message["role"] == "user" for message in prompt):
        raise BadRecord(f"'{field}' has no user's message")
    for name, messages in (("chosen", before), ("rejected", also_before)):
        if messages and messages != prompt:
            raise BadRecord(f"'{name}' starts with other messages than the prompt's")
    return _Pair(prompt, chosen, rejected, images)


def _take_sequence(record: dict[str, Any], field: str) -> Any:
    response = record.get(field)
    if type(response) is not dict:
        raise BadRecord(f"missing '{field}'" if response is None else _format_kind(f"'{field}'", response, "an object"))
    return response.get("tool_sequence")


def _format_calls(listed: Any, field: str) -> str:
    if type(listed) is not list:
        raise BadRecord(f"missing '{field}'" if listed is None else _format_kind(f"'{field}'", listed, "a list"))
    if not listed:
        raise BadRecord(f"'{field}' is empty")
    return "\n".join([_format_call(item, field) for item in listed])


def _format_call(item: Any, field: str) -> str:
    if type(item) is str:
        written = f"<tool>{item}</tool>"
        if _PLAIN.fullmatch(item):
            return written
        if _NAME.fullmatch(item):
            return f"<tool>{item}()</tool>"
        if [(span.start, span.end) for span in find_spans(written)] == [(0, len(written))]:
            return written
        raise BadRecord(f"an item of '{field}' is neither a tool's name nor a call")
    call = item.get("tool_call", item) if type(item) is dict else item
    if type(call) is not dict:
        raise BadRecord(_format_kind(f"a call of '{field}'", call, "an object"))
    name, arguments = call.get("tool_name"), call.get("arguments")
    if type(name) is not str or not _NAME.fullmatch(name):
        raise BadRecord(f"a call of '{field}' has no tool's name in 'tool_name'")
    if arguments is not None and type(arguments) is not dict:
        raise BadRecord(_format_kind(f"'arguments' of a call of '{field}'", arguments, "an object"))
    try:
        return format_call(name, arguments or {})
    except ValueError:
        raise BadRecord(f"'arguments' of a call of '{field}' are nested too deeply") from None


def _read_answer(record: dict[str, Any], field: str) -> tuple[list[Message], str]:
    """An answer, and the messages before it if the field holds the whole chat."""
    value = record.get(field)
    if type(value) is str or value is None:
        return [], take_text(record, field)
    if value == []:
        raise BadRecord(f"'{field}' is empty")
    messages = [_read_message(each, field) for each in (value if type(value) is list else [value])]
    if messages[-1]["role"] != "assistant":
        raise BadRecord(f"'{field}' does not end with an assistant's message")
    return messages[:-1], messages[-1]["content"]


def _read_prompt(record: dict[str, Any], field: str) -> tuple[list[Message], int]:
    """The prompt, and the number of its images."""
    value = record.get(field)
    if type(value) is str or value is None:
        return [{"role": "user", "content": take_text(record, field)}], 0
    if type(value) is not list:
        raise BadRecord(_format_kind(f"'{field}'", value, "a string or a list"))
    messages = [_read_message(each, field) for each in value]
    return messages, sum(each.get("image_data") is not None for each in value)


def _read_message(message: Any, field: str) -> Message:
    if type(message) is not dict:
        raise BadRecord(_format_kind(f"a message of '{field}'", message, "an object"))
    speaker, said = ("from", "value") if "from" in message else ("role", "content")
    name = message.get(speaker)
    role = ROLES.get(name) if type(name) is str else None
    if role is None:
        raise BadRecord(f"a message of '{field}' is by none of {', '.join(ROLES)}")
    if message.get("tool_calls"):
        raise BadRecord(f"a message of '{field}' has 'tool_calls', which a pair cannot hold")
    text = message.get(said)
    if type(text) is not str or not text or text.isspace() or "\r" in text:
        text = take_text(message, said, f" in a message of '{field}'")
    return {"role": role, "content": text}


def _take_number(holder: dict[str, Any], field: str) -> float | None:
    value = holder.get(field)
    if value is None:
        return None
    if type(value) not in (int, float):
        raise BadRecord(_format_kind(f"'{field}'", value, "a number"))
    if not -_LARGEST < value < _LARGEST:
        raise BadRecord(f"'{field}' is no number of a sensible size")
    return float(value)


def _find_category(record: dict[str, Any]) -> str:
    metadata = record.get("metadata")
    for holder in (record, metadata) if type(metadata) is dict else (record,):
        for field in CATEGORIES:
            value = holder.get(field)
            if type(value) is str and value:
                return value
    return "uncategorised"


def _format_kind(what: str, value: Any, wanted: str) -> str:
    return f"{what} is {name_kind(value)}, not {wanted}"
