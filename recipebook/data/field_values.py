"""What may be read of a field's value where that is not the fields of an object: the rest of it is found as unread.

SimpleValues("metadata") of {"topic": "a", "tags": ["x"]} finds ("record", "metadata.tags", ["x"])
WithoutNulls("call", "arguments") of {"day": null} finds ("call", "arguments.day: null", null)
"""

from typing import Any

Unread = tuple[str, str, Any]
"""A key that nobody reads: the kind of thing that has it, the key, and its value."""


class TypedValue:
    """A value that is read where it is of this kind, and unread otherwise."""

    def __init__(self, kind: type) -> None:
        self.kind = kind


class WithoutNulls:
    """A value that is read, but for the nulls in its objects, where a text of JSON is read with them."""

    def __init__(self, holder: str, field: str) -> None:
        self.holder, self.field = holder, field

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add each null to `found`, as in `arguments.day: null`."""
        waiting = [(self.field, value)]
        while waiting:
            path, inner = waiting.pop()
            if type(inner) is list:
                waiting += [(path, item) for item in inner if item is not None]
            elif type(inner) is dict:
                waiting += [(f"{path}.{key}", held) for key, held in inner.items()]
            elif inner is None:
                found.append((self.holder, f"{path}: null", None))


class SimpleValues:
    """An object of any keys, of whose values texts, numbers and booleans are read; lists and objects are unread."""

    def __init__(self, field: str) -> None:
        self.field = field

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the object to `found`: `metadata.tags`, or the field itself where it is no object."""
        if type(value) is not dict:
            found.append(("record", self.field, value))
            return
        for key, held in value.items():
            if held and type(held) in (list, dict):
                found.append(("record", f"{self.field}.{key}", held))


TEXT = TypedValue(str)
