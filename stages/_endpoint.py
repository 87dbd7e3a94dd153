"""Any server that speaks OpenAI's chat completions: messages in, the text of the answer out.

    with Endpoint(url="http://127.0.0.1:8000/v1", model="qwen").open() as ask:
        ask([{"role": "user", "content": "hi"}], seed=1)  # → "Hello!"

A request is repeated after a fault that may pass (too many requests, a server's error, a broken connection): each time
after a longer pause, and not before the time that the server names. Any other fault is a UserError. The key comes from
the environment. The text of a server's error is not shown, since some servers repeat the key there.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from recipebook.errors import UserError
from recipebook.frozen import Frozen

if TYPE_CHECKING:
    import httpx

FIRST_DELAY = 1.0
LONGEST_OBEYED = 600.0
PASSING = (408, 409, 429)

Ask = Callable[[list[dict[str, str]], int], str]


class Endpoint(Frozen):
    """A server as a recipe describes it."""

    url: str = Field(description="the server's address, up to and with /v1.")
    model: Annotated[str, Field(min_length=1)] = Field(description="the server's name for the model.")
    key: str | None = Field(None, description="the environment variable that holds the key; null: no key.")
    parallel: Annotated[int, Field(gt=0)] = Field(
        4, description="requests at a time. Lower it if the server reports that it is busy."
    )
    attempts: Annotated[int, Field(gt=0)] = Field(8, description="how many times a request is made before giving up.")
    timeout: Annotated[float, Field(gt=0)] = Field(
        120.0, description="seconds to wait for an answer. Raise it for slow servers."
    )
    temperature: Annotated[float, Field(ge=0)] = Field(1.0, description="of the answers. Lower it if they are odd.")
    max_tokens: Annotated[int, Field(gt=0)] = Field(1024, description="the longest answer, in tokens.")

    @field_validator("url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no http:// or https:// address")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("holds more than an address: a key belongs into the environment, its variable into `key`")
        return url.rstrip("/")

    @contextmanager
    def open(self) -> Iterator[Ask]:
        """Yield a function that sends requests, from any thread; on leaving, waiting requests end."""
        import httpx

        stop = threading.Event()
        with httpx.Client(timeout=self.timeout, headers=self._make_headers()) as client:
            try:
                yield lambda messages, seed: self._ask(client, stop, messages, seed)
            finally:
                stop.set()

    def _make_headers(self) -> dict[str, str]:
        if self.key is None:
            return {}
        key = os.environ.get(self.key, "").strip()
        if not key:
            raise UserError(f"no key for {self.url}: the environment has no {self.key}")
        return {"Authorization": f"Bearer {key}"}

    def _ask(self, client: Any, stop: threading.Event, messages: list[dict[str, str]], seed: int) -> str:
        # Here and not above: recipes without an endpoint need no client.
        from recipebook.remote.web import GivenUp, Patience, insist

        body = {"model": self.model, "messages": messages, "temperature": self.temperature,
                "max_tokens": self.max_tokens, "seed": seed}  # fmt: skip
        patience = Patience(FIRST_DELAY, attempts=self.attempts, obeyed=LONGEST_OBEYED)
        try:
            reply = insist(
                lambda: client.post(f"{self.url}/chat/completions", json=body),
                patience,
                self._describe,
                lambda pause, _: stop.wait(pause),
            )
        except GivenUp as fault:
            message = f"{fault} after {self.attempts} attempts; run the same command again to resume"
            raise UserError(f"{self.url}: {message}") from None
        return self._read(reply)

    def _describe(self, fault: "httpx.Response | httpx.TransportError") -> str:
        """Describe a fault that may pass, without the server's own text."""
        if isinstance(fault, Exception):
            return type(fault).__name__
        message = f"status {fault.status_code}"
        if fault.status_code not in PASSING and fault.status_code < 500:
            raise UserError(f"{self.url}: {message} for model {self.model}{_advise(fault.status_code, self)}")
        return message

    def _read(self, reply: Any) -> str:
        try:
            text = reply.json()["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError):
            raise UserError(f"{self.url}: its answer is none of OpenAI's chat completions") from None
        return text if isinstance(text, str) else ""


def _advise(status: int, endpoint: Endpoint) -> str:
    if status in (401, 403):
        return f"; is the key in {endpoint.key} right?" if endpoint.key else "; it wants a key, and `key` names none"
    return "; is the address right, up to and with /v1?" if status == 404 else ""
