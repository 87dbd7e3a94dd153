"""The door of the server of shell tasks: who may call, and how long a call may be, before any of its body is read.

Bearer missing or wrong  →  Refusal(401, "the token is missing or wrong")
no length, or too long   →  411, 413
"""

import secrets
from email.message import Message
from typing import NamedTuple

LONGEST_CALL = 16 * 2**20


class Refusal(NamedTuple):
    """Why a call is not let in: the status of the answer, and its line."""

    status: int
    detail: str


class Door:
    """Lets calls in that bring the token, if there is one, and whose body is no longer than LONGEST_CALL."""

    def __init__(self, token: str | None) -> None:
        self.expected = f"Bearer {token}".encode() if token else None

    def refuse(self, headers: Message) -> Refusal | None:
        """Why a call with these headers is refused; None for one that is let in."""
        given = str(headers.get("Authorization", "")).encode("latin-1", "replace")
        if self.expected and not secrets.compare_digest(given, self.expected):
            return Refusal(401, "the token is missing or wrong")
        lengths = headers.get_all("Content-Length", ["0"])
        if "Transfer-Encoding" in headers or len(lengths) > 1 or not _is_number(lengths[0]):
            return Refusal(411, "a call names its Content-Length")
        if int(lengths[0]) > LONGEST_CALL:
            return Refusal(413, f"a call has {LONGEST_CALL:,} bytes at most")
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
