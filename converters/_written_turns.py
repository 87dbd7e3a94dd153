"""Turns that are written as JSON in a text, as tables hold them: the text of a field in, its turns out.

'[{"role": "user", "content": "hi"}]' → [{"role": "user", "content": "hi"}]
'{"content": "hi", "role": "user"}'   → [{"content": "hi", "role": "user"}]
'{"role": "admin"}'                   → None: an answer that is JSON
"""

import re
from typing import Any

from recipebook.data.field_values import Unread
from recipebook.data.fields import WrittenJson
from recipebook.records import find_repeated_key, load_json
from recipebook.rows import BadRecord

_LISTED_TURNS = re.compile(r"""\[\s*+\{\s*+(['"])(?:role|from|content|value)\1\s*+:\s*+['"]""")
# Of one turn, the speaker has to be known as well: many answers are objects of JSON.
_ONE_TURN = re.compile(r"""\{\s*+(['"])(?:role|from|content|value)\1\s*+:\s*+['"]""")
_SPEAKER = re.compile(r"""(['"])(?:role|from)\1\s*+:\s*+\1(?:user|human|assistant|gpt|system|developer)\1""")
_FAR = 100


class WrittenTurns(WrittenJson):
    """What is read of a list of turns, which may be a text of JSON; other texts are read whole."""

    def find(self, value: Any, found: list[Unread]) -> None:
        """Add what is unread in the turns to `found`."""
        if type(value) is not str or _find_sign(value):
            super().find(value, found)


def find_written_turns(text: Any, field: str) -> Any:
    """The turns of a text that is the JSON of a list of them, or of one, as tables hold them; None for any other."""
    if type(text) is not str or text[:1] not in ("[", "{"):
        return None
    found = _find_sign(text)
    if not found:
        return None
    is_list = text[0] == "["
    if found[1] == "'":
        raise BadRecord(f"'{field}' is a {'list of turns' if is_list else 'turn'} as Python writes it, not JSON")
    if is_list:
        return parse_list(text, field)
    turn = _parse_turn(text)
    return None if turn is None else [turn]


def _find_sign(text: str) -> re.Match[str] | None:
    """What shows that a text is the JSON of turns, in the quotes of JSON or of Python."""
    if text[:1] == "[":
        return _LISTED_TURNS.match(text)
    found = _ONE_TURN.match(text) if text[:1] == "{" else None
    # The speaker of a turn stands before its text or behind it.
    return found if found and (_SPEAKER.search(text[:_FAR]) or _SPEAKER.search(text[-_FAR:])) else None


def _parse_turn(text: str) -> Any:
    """The turn that a text of JSON is; None where it is no object with a speaker and a text."""
    try:
        turn = load_json(text)
    except ValueError:
        return None
    is_turn = type(turn) is dict and ("content" in turn or "value" in turn) and ("role" in turn or "from" in turn)
    return turn if is_turn else None


def parse_list(text: str, field: str) -> Any:
    """The list that a text of JSON is; `field` holds the text."""
    try:
        value = load_json(text)
    except ValueError:
        raise BadRecord(f"'{field}' is a string, not a list, and no JSON of one") from None
    if repeated := find_repeated_key(text, value):
        raise BadRecord(f"'{field}' {repeated}")
    return value
