"""Which part a record belongs to: a function of the record and the seed alone.

In: `{"input": "Stop, please!", ...}` with `by: [input]`. Out: "train", "validation" or "test"; the same for
`{"input": "stop,  please", ...}`, since values are compared by their letters. Adding records moves none.
"""

import hashlib
import string
import unicodedata
from typing import Any, Literal

import orjson

from recipebook.recipe.data_keys import Split
from recipebook.rows import BadRecord, Row

Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")

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
    """Hash a row's prompt, for this process only: all before the last answer, or before both answers of a pair."""
    messages = row["messages"]
    end = len(messages)
    if "chosen" not in row:
        answers = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        end = answers[-1] if answers else end
    turns = ((turn["role"], normalise(turn["content"]), repr(turn.get("tool_calls"))) for turn in messages[:end])
    return hash(tuple(turns))


def _identify(record: dict[str, Any], split: Split) -> bytes:
    values: list[Any] = [split.seed]
    if not split.by:
        values.append(record)
    for field in split.by:
        if field not in record:
            raise BadRecord(f"missing '{field}', which data.split.by names")
        value = record[field]
        values.append(normalise(value) if isinstance(value, str) else [value])
    try:
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
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
