"""What is read of a record with preferences, by its shape."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, TypeGuard, cast

from converters._answers import TEXTS, find_prompt
from converters._blocks import PARTS
from converters._labels import ANSWERS, LABELS, find_answer
from converters._metadata import METADATA
from converters._tool_lists import TOOLS
from converters._turns import LISTS, SPEAKERS, SYSTEMS, declare_any_turns
from converters._written_turns import WrittenTurns
from converters.tools import declare_tool_turns
from recipebook.data.field_values import TEXT
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, Shapes, Variants, WrittenJson

RESPONSES, TRAJECTORIES = ("chosen_response", "rejected_response"), ("chosen_trajectory", "rejected_trajectory")
PAIRS = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"), RESPONSES, TRAJECTORIES)
"""The fields of the better and of the worse answer."""
WHOLE_CHATS, BESIDE_RESPONSE = ("messages", "rejected_messages"), ("response", "rejected_response")
"""Those of ms-swift's pairs, of which the better answer has the name that it has in chats."""
CATEGORIES = ("category", "rejection_type", "conversation_type", "dpo_type", "type")
"""Fields of the record or its metadata that name the kind of pair, the most specific first."""
SCORES = (
    ("chosen_score", "rejected_score"),
    ("score_chosen", "score_rejected"),
    ("chosen_rating", "rejected_rating"),
    ("chosen-rating", "rejected-rating"),
    ("rating_chosen", "rating_rejected"),
)
"""Fields that score the two answers, of a record or of its metadata."""

_COMMON = {
    **dict.fromkeys(CATEGORIES, TEXT),
    **dict.fromkeys(field for pair in SCORES for field in pair),
    "preference_score": None,
    "image_data": None,
    **METADATA,
}
_CALL = Fields("call", {"tool_name": None, "arguments": None}, PART_HARMLESS)
_WRAPPED = Fields("call", {"tool_call": _CALL}, PART_HARMLESS | {"position"})
_CALLS = Shapes(lambda call: _WRAPPED if "tool_call" in call else _CALL, (_WRAPPED, _CALL))
# The reason for a score, which the model is not shown.
_RESPONSE = Fields("response", {"tool_sequence": _CALLS, "quality_score": None}, PART_HARMLESS | {"reasoning"})
_TURN = cast(Variants, declare_any_turns(declare_tool_turns).fields)


def _with_images(turn: dict[str, Any]) -> Fields | None:
    fields = _TURN.choose(turn)
    return _add_images(fields) if fields and "image_data" in turn else fields


@cache
def _add_images(fields: Fields) -> Fields:
    return fields.extend({"image_data": None})


_ANSWER = WrittenTurns(_TURN)
_PROMPT = Variants(_with_images, _TURN.fields)
_WRITTEN_PROMPT = WrittenTurns(_PROMPT)
_INPUT = Fields("input", {"messages": _PROMPT, "tools": TOOLS})


def find_pair(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """The fields of a record's two answers, one of which may be missing."""
    for pair in PAIRS:
        if record.get(pair[0]) is not None or record.get(pair[1]) is not None:
            is_beside = pair is RESPONSES and record.get(pair[0]) is None and record.get("response") is not None
            return BESIDE_RESPONSE if is_beside else pair
    return WHOLE_CHATS if record.get(WHOLE_CHATS[1]) is not None else None


def holds_sequence(answer: Any) -> TypeGuard[dict[str, Any]]:
    """Whether an answer is the object of a sequence of tools and its score, and no message."""
    return type(answer) is dict and answer.keys().isdisjoint(SPEAKERS)


def _choose(record: dict[str, Any]) -> Fields:
    pair = find_pair(record)
    if pair is TRAJECTORIES:
        return _OF_TRAJECTORIES
    if pair is RESPONSES and holds_sequence(record.get(pair[0])):
        return _OF_RESPONSES
    answers = pair or (str(find_answer(record)),)
    prompt = find_prompt(record, answers)
    kind: Any = type(record[prompt]) if prompt else None
    if pair is RESPONSES and type(record.get(pair[0])) is dict:
        return _declare(answers, prompt, kind, by_value=True)
    listed = {type(record[field]) for field in LISTS if record.get(field) is not None}
    if str in listed or (listed and type(record.get("prompt")) is str):
        # A text may be JSON, the prompt may be among the messages as well, or the list may be the dialogue as it was.
        return _declare(answers, prompt, kind, _repeats_prompt(record, prompt), by_value=True)
    return _declare(answers, prompt, kind)


def _repeats_prompt(record: dict[str, Any], field: str | None) -> bool:
    """Whether `prompt` is a text that is among the messages as well."""
    text = record.get("prompt")
    if field not in LISTS or type(text) is not str:
        return False
    turns = record[field] if type(record[field]) is list else []
    return any(type(turn) is dict and text in (turn.get("content"), turn.get("value")) for turn in turns)


def _declare_calls(prompt: str, pair: tuple[str, str], answer: Fields | Shapes) -> Fields:
    return Fields("record", {**_COMMON, prompt: None, **dict.fromkeys(pair, answer)}, RECORD_HARMLESS)


@lru_cache
def _declare(
    answers: tuple[str, ...],
    prompt: str | None,
    kind: type | None = None,
    repeated: bool = False,
    by_value: bool = False,
) -> Fields:
    """`kind` is that of the prompt's value."""
    read: dict[str, Any] = {**_COMMON, **dict.fromkeys(answers, _ANSWER), "tools": TOOLS}
    read |= dict.fromkeys(SYSTEMS, PARTS)
    if len(answers) == 1:
        read |= dict.fromkeys(LABELS)
    if prompt:
        read[prompt] = _INPUT if kind is dict else WrittenJson(_PROMPT) if prompt in LISTS else _WRITTEN_PROMPT
    if kind is str:
        read |= {"input": None, "history": None}
    if repeated:
        read["prompt"] = None
    return Fields("record", read, RECORD_HARMLESS, by_value)


_OF_TRAJECTORIES = _declare_calls("context", TRAJECTORIES, _CALLS)
_OF_RESPONSES = _declare_calls("input", RESPONSES, _RESPONSE)
FIELDS = Shapes(
    _choose,
    (
        _OF_TRAJECTORIES,
        _OF_RESPONSES,
        *(_declare(PAIRS[0], prompt, list) for prompt in (*LISTS, None)),
        *(_declare(PAIRS[0], prompt, str) for prompt in TEXTS),
        _declare(PAIRS[1], "input", dict),
        _declare(WHOLE_CHATS, None),
        _declare(BESIDE_RESPONSE, "query", str),
        *(_declare((answer,), "prompt", str) for answer in ANSWERS),
        *(_declare((answer,), None) for answer in LISTS),
    ),
)
"""What the converter reads of each shape."""
