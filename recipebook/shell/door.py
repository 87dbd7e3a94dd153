"""The door of the server of shell tasks: who may call, and how long a call may be, before any of its body is read.

Bearer missing or wrong  →  401 {"detail": "the token is missing or wrong"}
no length, or too long   →  411, 413
"""

import secrets

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LONGEST_CALL = 16 * 2**20


class Door:
    """Lets calls in to `app` that bring the token, if there is one, and whose body is no longer than LONGEST_CALL."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One call, as ASGI has it; the start and the end of the application pass as they are."""
        refused = self._refuse(dict(scope["headers"])) if scope["type"] == "http" else None
        await (refused or self.app)(scope, receive, send)

    def _refuse(self, headers: dict[bytes, bytes]) -> JSONResponse | None:
        if self.expected and not secrets.compare_digest(headers.get(b"authorization", b""), self.expected):
            return _answer(401, "the token is missing or wrong")
        if b"transfer-encoding" in headers:
            return _answer(411, "a call names its Content-Length")
        if int(headers.get(b"content-length", 0)) > LONGEST_CALL:
            return _answer(413, f"a call has {LONGEST_CALL:,} bytes at most")
        return None


def _answer(status: int, detail: str) -> JSONResponse:
    # What is left of the body is not read, so the connection cannot carry another call.
    return JSONResponse({"detail": detail}, status, {"Connection": "close"})
