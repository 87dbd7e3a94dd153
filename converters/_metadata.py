"""What a record says of itself, by which results can be broken down: its metadata in, a part of the row's meta out.

    {"metadata": {"topic": "greeting", "polite": true, "tags": ["a"]}} → {"topic": "greeting", "polite": "true"}

Lists and objects are counted as unread. A row that is read again gets a new origin.
"""

import re
from typing import Any

from recipebook.data.field_values import SimpleValues
from recipebook.rows import join_meta

METADATA = {field: SimpleValues(field) for field in ("metadata", "meta")}
"""Where data and our own rows have texts, numbers and booleans of any name, which go to a row's meta."""

_LEAST, _MOST = -(2**63), 2**64 - 1
_ROWS_ORIGIN = re.compile(r".+#\d+")


def take_metadata(record: dict[str, Any]) -> dict[str, Any]:
    """The texts, numbers and booleans of the record's metadata, by which results can be broken down."""
    meta: dict[str, Any] = {}
    if "metadata" not in record and "meta" not in record:
        return meta
    for field in METADATA:
        metadata = record.get(field)
        if type(metadata) is dict:
            own: dict[str, Any] = {}
            for key, value in metadata.items():
                if type(value) in (str, int, float, bool):
                    name = _name_origin(value) if key == "origin" else key
                    own[name] = value if type(value) in (str, float) else _write_simply(value)
            own.pop("origin", None)
            meta = join_meta(meta, own)
    return meta


def _name_origin(value: Any) -> str:
    """The name of the data's own origin; a row's is replaced by that of the new row."""
    return "origin" if type(value) is str and _ROWS_ORIGIN.fullmatch(value) else "metadata_origin"


def _write_simply(value: bool | int) -> int | str:
    """A boolean as text, and an integer as itself unless only a text can hold all its digits."""
    if type(value) is bool:
        return str(value).lower()
    return value if _LEAST <= value <= _MOST else str(value)
