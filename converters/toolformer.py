r"""Texts with calls inline, as Toolformer learns them: the plain text in, the same text with its calls out.

In: `{"original_text": "find red caps below 400 rupees",
"augmented_text": "find red caps [SEARCH(query='red')] below 400 rupees",
"tool_calls": [{"tool_name": "search", "arguments": {"query": "red caps", "max_price": 400}, "position": 13}],
"quality_score": 0.5, "language": "en"}`. Out:

    {"messages": [{"role": "user", "content": "find red caps below 400 rupees"},
                  {"role": "assistant", "content": "find red caps <tool>search(query='red caps', max_price=400)</tool>
                                                    below 400 rupees"}],
     "meta": {"language": "en", "calls": 1, "tools": "search", "position_disagrees": 0, "quality_score": 0.5}}

Calls are at their places in the annotated text, in one dialect, with their arguments from `tool_calls`, since those in
the text may be cut short; a record without `tool_calls` keeps the arguments of its text. `position` is only compared:
`position_disagrees` counts the differences. Without its calls the annotated text must equal the original, white space
aside. A record without calls teaches to make none. A missing `language` is guessed from the script: `hi`, `mixed` or
`unknown`.

With `spans: true`, a row also lists the parts of its calls, for training to weigh: `"spans": [{"message": 1,
"start": 14, "end": 20, "kind": "position"}, …]` for the opening, then `tool` for the name and `argument` for the rest.

Also in: `{"text": "Input: The radius is [TBR]. Output: The radius is [GR(…)-->r]. Reasoning Result: 1."}`, a line of a
graph file. Its input is the user's turn, and its output, unchanged, the assistant's.
"""

import math
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from converters._fields import take_text
from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields, Shapes
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message, Row, Span
from recipebook.text.call_arguments import read_arguments
from recipebook.text.inline_calls import CallSpan, Dialect, find_spans, format_call, insert_calls, mark_spans, take_out

WANTS = "'original_text' and 'augmented_text', or lines 'Input: … Output: … Reasoning Result: …'"
METRICS: dict[str, dict[str, Any]] = {"toolformer": {}}
NAMESAKES = 8
"""The most calls of one name that are compared with a call in the text to find the right one."""

_NAME = re.compile(r"[a-z_][a-z0-9_.]*+")
_DEVANAGARI = re.compile("[\u0904-\u0939\u0958-\u0961]")
_LATIN = re.compile("[A-Za-z]")


_SCORES = ("utility_score", "confidence", "cost")
_CALLS = Fields("call", dict.fromkeys(("tool_name", "arguments", "position")), PART_HARMLESS.union(_SCORES))
_TEXTS = Fields(
    "record",
    {**dict.fromkeys(("original_text", "augmented_text", "quality_score", "language")), "tool_calls": _CALLS},
    RECORD_HARMLESS,
)
_LINE = Fields("record", dict.fromkeys(("text", "quality_score", "language")), RECORD_HARMLESS)
FIELDS = Shapes(
    lambda record: _LINE if record.get("text") is not None and record.get("original_text") is None else _TEXTS,
    (_TEXTS, _LINE),
)


class _AnnotatedText(NamedTuple):
    """The annotated text, the tools that it calls, and the number of calls whose `position` differs."""

    text: str
    tools: list[str]
    disagreements: int


class Options(Frozen):
    """What a recipe may set."""

    system: str | None = None
    """A system prompt for every row; null: no system turn. Set it to the prompt that the model will be used with."""
    dialect: Dialect = "tag"
    """How calls are written: `<tool>search(…)</tool>` or `[SEARCH(…)]`. Use the one that your program reads."""
    spans: bool = False
    """Rows mark where a call opens, its tool's name and its arguments. training.span_weights needs it."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its two texts, or a line by its labels."""
    if type(record.get("original_text")) is str and type(record.get("augmented_text")) is str:
        return "have 'original_text' and 'augmented_text'"
    text = record.get("text")
    if type(text) is str and text.lstrip().startswith("Input:") and " Output:" in text:
        return "have 'Input: … Output: …' in 'text'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one row."""
    if record.get("original_text") is None and record.get("text") is not None:
        said, output = _split_line(take_text(record, "text"))
        answer = _AnnotatedText(output, [span.name for span in find_spans(output)], 0)
    else:
        said, augmented = take_text(record, "original_text"), take_text(record, "augmented_text")
        answer = _annotate(said, augmented, _take_list(record), options.dialect)
    messages: list[Message] = [{"role": "user", "content": said}, {"role": "assistant", "content": answer.text}]
    if options.system is not None:
        messages.insert(0, {"role": "system", "content": options.system})
    meta = {
        "language": _guess_language(said) if record.get("language") is None else take_text(record, "language"),
        "calls": len(answer.tools),
        "tools": answer.tools[0] if answer.tools else "none",
        "position_disagrees": answer.disagreements,
    }
    quality = record.get("quality_score")
    if quality is not None:
        meta["quality_score"] = _check_number(quality, "'quality_score'")
    row: Row = {"messages": messages, "meta": meta}
    if options.spans:
        row["spans"] = _mark(answer.text, len(messages) - 1)
    return [row]


def _mark(text: str, message: int) -> list[Span]:
    return [
        {"message": message, "start": span.start, "end": span.end, "kind": span.kind}
        for span in mark_spans(text)
        if span.kind != "fluency"
    ]


def _split_line(text: str) -> tuple[str, str]:
    rest = text.strip()
    parts = []
    for label, following in (("Input:", "Output:"), ("Output:", "Reasoning Result:")):
        if not rest.startswith(label):
            raise BadRecord(f"'text' does not start with '{label}'")
        part, found, behind = rest.removeprefix(label).partition(f" {following}")
        if not found:
            raise BadRecord(f"no '{following}' in 'text'")
        if not part or part.isspace():
            raise BadRecord(f"nothing behind '{label}' in 'text'")
        parts.append(part.strip())
        rest = following + behind
    return parts[0], parts[1]


def _take_list(record: dict[str, Any]) -> list[dict[str, Any]] | None:
    listed = record.get("tool_calls")
    if listed is None:
        return None
    if type(listed) is not list:
        raise BadRecord(f"'tool_calls' is {name_kind(listed)}, not a list")
    for call in listed:
        if type(call) is not dict:
            raise BadRecord(f"an item of 'tool_calls' is {name_kind(call)}, not an object")
        name, arguments = call.get("tool_name"), call.get("arguments")
        if type(name) is not str:
            raise BadRecord(f"'tool_name' of a call is {name_kind(name)}, not a string")
        if type(arguments) is not dict:
            raise BadRecord(f"'arguments' of a call is {name_kind(arguments)}, not an object")
    return listed


def _annotate(original: str, augmented: str, listed: list[dict[str, Any]] | None, dialect: Dialect) -> _AnnotatedText:
    if listed:
        # For speed: a text that equals the original with its calls inserted need not be parsed.
        if _format_as_placed(original, listed, dialect) == augmented:
            return _AnnotatedText(augmented, [call["tool_name"] for call in listed], 0)
    elif augmented == original:
        return _AnnotatedText(original, [], 0)
    spans = find_spans(augmented)
    positions = _find_positions(original, augmented, spans)
    calls = None if listed is None else _match_calls(augmented, spans, listed)
    written = _format_calls(augmented, spans, calls, dialect)
    disagreements = _count_disagreements(original, positions, calls or [])
    return _AnnotatedText(insert_calls(original, written, positions), [span.name for span in spans], disagreements)


def _format_as_placed(original: str, listed: list[dict[str, Any]], dialect: Dialect) -> str | None:
    """The annotated text, by inserting every call at its `position`; None if a position cannot be used as it is."""
    if "[" in original or "<tool>" in original:
        return None
    pieces: list[str] = []
    at = 0
    for call in listed:
        position, name = call.get("position"), call["tool_name"]
        if type(position) is not int or not at < position <= len(original) or not _NAME.fullmatch(name):
            return None
        pieces += (original[at:position], " ", _format_call(name, call["arguments"], dialect))
        at = position
    return "".join(pieces) + original[at:]


def _find_positions(original: str, augmented: str, spans: Sequence[CallSpan]) -> Sequence[int]:
    """The calls' positions in the original text: after as many characters as in the annotated one, blanks aside."""
    plain, positions = take_out(augmented, spans)
    if plain == original:
        return positions
    ends = [at for at, sign in enumerate(original, 1) if not sign.isspace()]
    if "".join(plain.split()) != "".join(original.split()):
        raise BadRecord("'augmented_text' without its calls is not 'original_text'")
    found, count, before = [], 0, 0
    for position in positions:
        count += len("".join(plain[before:position].split()))
        found.append(ends[count - 1] if count else 0)
        before = position
    return found


def _match_calls(text: str, spans: Sequence[CallSpan], listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The listed calls in the order of the text; each call of the text must have one of its name."""
    if not spans and listed:
        raise BadRecord("'tool_calls' has calls, 'augmented_text' has none")
    if spans and not listed:
        raise BadRecord("'augmented_text' has calls, 'tool_calls' has none")
    waiting: dict[str, list[dict[str, Any]]] = {}
    for call in listed:
        waiting.setdefault(call["tool_name"].lower(), []).append(call)
    matched = []
    for span in spans:
        namesakes = waiting.get(span.name)
        if not namesakes:
            raise BadRecord("'augmented_text' has a call that 'tool_calls' lacks")
        matched.append(namesakes.pop(_find_same(text, span, namesakes) if len(namesakes) > 1 else 0))
    if len(matched) < len(listed):
        raise BadRecord("'tool_calls' has a call that 'augmented_text' lacks")
    return matched


def _find_same(text: str, span: CallSpan, namesakes: list[dict[str, Any]]) -> int:
    """The index of the call that is meant: the first that agrees with the text's arguments, or else the first."""
    said = read_arguments(text, span.opening, span.closing, span.end).named
    for at, call in enumerate(islice(namesakes, NAMESAKES)):
        if all(_is_same(value, call["arguments"].get(name)) for name, value in said.items()):
            return at
    return 0


def _is_same(said: Any, whole: Any) -> bool:
    return said == whole or (type(said) is str and type(whole) is str and whole.startswith(said))


def _format_calls(
    text: str, spans: Sequence[CallSpan], calls: list[dict[str, Any]] | None, dialect: Dialect
) -> list[str]:
    if calls is None:
        return [format_call(span.name, text[span.opening + 1 : span.closing], dialect) for span in spans]
    return [_format_call(span.name, call["arguments"], dialect) for span, call in zip(spans, calls, strict=True)]


def _format_call(name: str, arguments: dict[str, Any], dialect: Dialect) -> str:
    try:
        return format_call(name, arguments, dialect)
    except ValueError:
        raise BadRecord("'arguments' of a call are nested too deeply") from None


def _count_disagreements(original: str, positions: Sequence[int], calls: list[dict[str, Any]]) -> int:
    """The number of calls whose `position` differs; a difference of blanks alone does not count."""
    count = 0
    for position, call in zip(positions, calls, strict=False):
        claimed = call.get("position")
        if claimed is not None and claimed != position:
            claimed = int(_check_number(claimed, "'position' of a call"))
            between = original[min(claimed, position) : max(claimed, position)] if claimed >= 0 else original
            count += not (between.isspace() and claimed <= len(original))
    return count


def _check_number(value: Any, field: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise BadRecord(f"{field} is {name_kind(value)}, not a number")
    number: float = value
    return number


def _guess_language(text: str) -> str:
    if text.isascii() or not _DEVANAGARI.search(text):
        return "unknown"
    return "mixed" if _LATIN.search(text) else "hi"
