"""Which part a record belongs to: a function of the record and the seed alone.

In: `{"input": "Stop, please!", ...}` with `by: [input]`. Out: "train", "validation" or "test"; the same for
`{"input": "stop,  please", ...}`, since values are compared by their letters. Adding records moves none.
With `without: "[0-9.]+"` also the same for `go 2 m` and `go 3.5 m`.
"""

import hashlib
import json
import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import orjson

from recipebook.recipe.data_keys import Split
from recipebook.rows import BadRecord, Message, Row

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")
Leak = Literal["prompt", "answer", "prompt and answer"]
"""What train rows must not share with held-out rows; a converter names it as its `LEAK`."""

_ASCII_EDGE = "".join(sorted({chr(code) for code in range(128)} - set(string.ascii_letters + string.digits)))


def choose_part(record: dict[str, Any], split: Split) -> Part:
    """Choose by hash, the same for records that agree in `split.by`."""
    hashed = hashlib.blake2b(_identify(record, split), digest_size=8).digest()
    share = int.from_bytes(hashed) / 2**64
    if share < split.test:
        return "test"
    return "validation" if share < split.test + split.validation else "train"


def normalise(text: str) -> str:
    """Reduce a text so that texts which differ only in case, width, white space or edges are equal."""
    if text.isascii():
        folded = " ".join(text.casefold().split())
        return folded.strip(_ASCII_EDGE) or folded
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    folded = " ".join(folded.split())
    return _strip_edges(folded) or folded


def hash_prompt(row: Row) -> int:
    """Hash a row's prompt, for this process only: all before the last answer, or before those of a preference."""
    return _hash_turns(row["messages"][: _find_answer(row)])


def hash_answer(row: Row) -> int:
    """Hash a row's last answer and what follows it, for this process only; of a preference all."""
    return _hash_turns(_list_answers(row))


def hash_row(row: Row) -> int:
    """Hash a row's prompt and answer, for this process only."""
    return hash((hash_prompt(row), hash_answer(row)))


HASHES: Mapping[Leak, Callable[[Row], int]] = MappingProxyType(
    {"prompt": hash_prompt, "answer": hash_answer, "prompt and answer": hash_row}
)


def _find_answer(row: Row) -> int:
    messages = row["messages"]
    if "chosen" in row or "answer" in row:
        return len(messages)
    answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    return answers[-1] if answers else len(messages)


def _list_answers(row: Row) -> list[Message]:
    apart = [row["chosen"], row["rejected"]] if "chosen" in row and "rejected" in row else []
    apart += [row["answer"]] if "answer" in row else []
    return [*row["messages"][_find_answer(row) :], *apart]


def _hash_turns(turns: list[Message]) -> int:
    return hash(tuple((turn["role"], normalise(turn["content"]), repr(turn.get("tool_calls"))) for turn in turns))


def identify_fields(record: dict[str, Any], split: Split) -> bytes:
    """What a record shares with others by `split.by`: equal for texts that differ in case, blanks or edges only."""
    return _write_values(_list_values(record, split))


def _identify(record: dict[str, Any], split: Split) -> bytes:
    return _write_values([split.seed, *(_list_values(record, split) if split.by else [record])])


def _list_values(record: dict[str, Any], split: Split) -> list[Any]:
    values: list[Any] = []
    for field in split.by:
        if field not in record:
            raise BadRecord(f"missing '{field}', which data.split.by names")
        value = record[field]
        values.append(_reduce(value, split.without) if isinstance(value, str) else [value])
    if split.without is not None and not any(isinstance(value, str) for value in values):
        raise BadRecord(f"no text in {', '.join(split.by)}, of which data.split.without leaves something out")
    return values


def _reduce(text: str, without: str | None) -> str:
    return normalise(text if without is None else re.sub(without, " ", text))


def _write_values(values: list[Any]) -> bytes:
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        if "64-bit" not in str(error):
            raise BadRecord("nested too deeply") from error
        return _write_long_numbers(values)


def _write_long_numbers(values: list[Any]) -> bytes:
    try:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    except RecursionError as error:
        raise BadRecord("nested too deeply") from error


def _strip_edges(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while start < end and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_edge(character: str) -> bool:
    # Marks stay: they are the vowels of Devanagari, not its punctuation.
    return unicodedata.category(character)[0] not in "LNM"
