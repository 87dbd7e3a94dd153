"""Anthropic's blocks, of which the content of a turn is made, as the turns that OpenAI's form has for them.

    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Rain?"}, {"type": "text", "text": "I look."},
                                      {"type": "tool_use", "id": "a", "name": "weather", "input": {"day": "now"}}]}
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no"}]}
    → {"role": "assistant", "content": "I look.", "reasoning_content": "Rain?",
       "tool_calls": [{"id": "a", "type": "function", "function": {"name": "weather", "arguments": {"day": "now"}}}]},
      {"role": "tool", "content": "no", "tool_call_id": "a"}

Rows have thoughts before words and words before calls, so blocks in another order refuse their record, and so do
blocks of other types, such as images.
"""

from typing import Any

from converters._fields import PART_TEXTS, refuse_part, take_any_text
from recipebook.data.field_values import WithoutNulls
from recipebook.data.fields import PART_HARMLESS, Fields, Variants
from recipebook.rows import BadRecord

# What the interface checks and charges by.
_HARMLESS = PART_HARMLESS | {"signature", "cache_control"}
_TEXT = Fields("part", dict.fromkeys(("type", *PART_TEXTS)), _HARMLESS)
_BLOCKS = {
    "thinking": Fields("part", dict.fromkeys(("type", "thinking")), _HARMLESS),
    "tool_use": Fields(
        "part", {**dict.fromkeys(("type", "id", "name")), "input": WithoutNulls("call", "input")}, _HARMLESS
    ),
    "tool_result": Fields("part", {**dict.fromkeys(("type", "tool_use_id")), "content": _TEXT}, _HARMLESS),
}
_ORDERS = {"assistant": ("thinking", "text", "tool_use"), "user": ("tool_result", "text")}


def _choose(part: dict[str, Any]) -> Fields:
    kind = part.get("type")
    return _BLOCKS.get(kind, _TEXT) if type(kind) is str else _TEXT


PARTS = Variants(_choose, (_TEXT, *_BLOCKS.values()))
"""What is read of OpenAI's parts of a text, and of blocks."""


CALLS = ("tool_use", "tool_result")
"""The types of blocks that call a tool or have its answer."""


def holds_blocks(content: Any, types: tuple[str, ...] = ("thinking", *CALLS)) -> bool:
    """Whether a turn's content has blocks of these types."""
    return type(content) is list and any(type(part) is dict and part.get("type") in types for part in content)


def open_blocks(turn: dict[str, Any], speaker: str, said: str, role: str, place: str) -> list[dict[str, Any]]:
    """The turns that a turn with blocks stands for; its other fields belong to each of them."""
    parts = _sort_parts(turn[said], _ORDERS.get(role, ("text",)), f"'{said}'{place}")
    others = {key: value for key, value in turn.items() if key != said}
    text = take_any_text({said: parts["text"]}, said, place) if parts["text"] else ""
    turns: list[dict[str, Any]] = []
    for result in parts.get("tool_result", ()):
        answer = "" if result.get("content") is None else result["content"]
        turns.append({**others, speaker: "tool", said: answer, "tool_call_id": result.get("tool_use_id")})
    if turns and not parts["text"]:
        return turns
    made: dict[str, Any] = {said: text}
    if thoughts := parts.get("thinking"):
        made["reasoning_content"] = "\n".join(_take_thought(block, said, place) for block in thoughts)
    if calls := parts.get("tool_use"):
        made["tool_calls"] = [_wrap_call(block) for block in calls]
    for key in made.keys() & others.keys():
        raise BadRecord(f"a turn has '{key}' beside its blocks{place}")
    return [*turns, {**others, **made}]


def _sort_parts(content: list[Any], order: tuple[str, ...], what: str) -> dict[str, list[dict[str, Any]]]:
    """The parts by their types, which have to stand in the order of these."""
    kinds = [part.get("type", "text") if type(part) is dict else None for part in content]
    for part, kind in zip(content, kinds, strict=True):
        if kind not in order:
            raise refuse_part(part, what)
    if kinds != sorted(kinds, key=order.index):
        raise BadRecord(f"{what} has parts in another order than {', '.join(order)}, which no row can hold")
    return {kind: [part for part, own in zip(content, kinds, strict=True) if own == kind] for kind in order}


def _take_thought(block: dict[str, Any], said: str, place: str) -> str:
    thought = block.get("thinking")
    if type(thought) is not str:
        raise BadRecord(f"'{said}'{place} has a part of thinking without a text")
    return thought


def _wrap_call(block: dict[str, Any]) -> dict[str, Any]:
    """A call in OpenAI's form, its arguments an object as it was."""
    function = {"name": block.get("name"), "arguments": block.get("input")}
    return {"id": block.get("id"), "type": "function", "function": function}
