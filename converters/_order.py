"""Who may speak after whom: the roles of a chat in, the number of turns after the last answer out.

("user", "assistant", "user") → 1
("user", "assistant", "assistant") → BadRecord("a turn of the assistant after the assistant's")
"""

from functools import lru_cache
from itertools import pairwise
from operator import itemgetter

from recipebook.rows import BadRecord, Message

_FOLLOWERS = {
    "": ("system", "user", "assistant"),
    "system": ("system", "user", "assistant"),
    "user": ("user", "system", "assistant"),
    "assistant": ("user", "system"),
    "call": ("tool", "user", "system"),
    "tool": ("tool", "assistant", "user", "system"),
}
# Most data has a few orders of turns, each many times over.
_ORDERS = 256
_GET_ROLE = itemgetter("role")


def list_roles(messages: list[Message]) -> tuple[str, ...]:
    """The roles of the messages in order, where nobody calls a tool."""
    return tuple(map(_GET_ROLE, messages))


def drop_unanswered(messages: list[Message], roles: tuple[str, ...]) -> int:
    """Check the order of roles, remove the unanswered turns at the end, and return their number.

    In `roles` an assistant's turn that calls tools is a `call`.
    """
    dropped = _check_order(roles)
    if dropped:
        del messages[-dropped:]
    return dropped


@lru_cache(_ORDERS)
def _check_order(roles: tuple[str, ...]) -> int:
    """The number of turns after the last answer; refuses an order that no chat has."""
    for before, turn in pairwise(("", *roles)):
        role = "assistant" if turn == "call" else turn
        if role not in _FOLLOWERS[before]:
            raise BadRecord(
                f"a turn of the {role} after the {before}'s" if before else f"starts with the {role}'s turn"
            )
    answered = [at for at, turn in enumerate(roles, 1) if turn in ("assistant", "call")]
    if not answered:
        raise BadRecord("has no turn of the assistant")
    if answered[-1] == 1:
        raise BadRecord("has nothing before its only answer")
    return len(roles) - answered[-1]
