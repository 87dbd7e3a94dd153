"""Requests to a server that may be busy, slow or away: repeated with growing pauses; a fault is one line in the end.

In: `Web("https://…/v1", key, "TOGETHER_API_KEY", "together").ask("GET", "fine-tunes/ft-3f2a")`. Out: the answer's JSON.
429 and `Retry-After` are obeyed; 500, 502, 503, 504 and broken connections are tried again for half an hour; any
other refusal is a UserError. The key is in no message.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx

from recipebook.errors import UserError, on_one_line
from recipebook.files import replacing
from recipebook.remote.service import Unclear

TIMEOUT = httpx.Timeout(60, read=120)
PATIENCE_SECONDS = 30 * 60
FIRST_PAUSE = 0.5
PASSING = (500, 502, 503, 504)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Patience:
    """How long a request is repeated. Pauses double up to `longest`; chance varies each, so that callers spread."""

    first: float
    longest: float = 60.0
    attempts: int | None = None
    seconds: float = math.inf
    obeyed: float = math.inf
    """The longest pause that a server may ask for."""


class GivenUp(Exception):
    """The fault of the last attempt."""


def insist(
    send: Callable[[], httpx.Response],
    patience: Patience,
    describe: Callable[[httpx.Response | httpx.TransportError], str],
    wait: Callable[[float, str], bool],
) -> httpx.Response:
    """Return the first successful response, or raise GivenUp.

    `describe` words a fault that may pass, and raises one that will not. `wait` lets a pause pass,
    and returns whether to give up.
    """
    started, attempts, pause = time.monotonic(), 0, patience.first
    while True:
        requested = 0.0
        attempts += 1
        try:
            response = send()
        except httpx.TransportError as error:
            fault = describe(error)
        else:
            if response.is_success:
                return response
            fault = describe(response)
            requested = min(read_pause(response.headers.get("Retry-After")), patience.obeyed)
        over = attempts == patience.attempts or time.monotonic() - started >= patience.seconds
        if over or wait(max(pause * random.uniform(0.8, 1.2), requested), fault):
            raise GivenUp(fault)
        pause = min(2 * pause, patience.longest)


def read_pause(header: str | None) -> float:
    """The seconds that `Retry-After` asks for, as a number or as a date."""
    if header is None:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


class Web:
    """One service's address and key."""

    def __init__(self, url: str, key: str, key_name: str, service: str) -> None:
        if httpx.URL(url).scheme != "https" and httpx.URL(url).host not in LOOPBACK:
            raise UserError(f"{service}: remote.url: {url} would carry the key in the clear; it begins with https://")
        self.key, self.key_name, self.service = key, key_name, service
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx.Client(base_url=f"{url}/", headers=headers, timeout=TIMEOUT)

    def ask(self, method: str, path: str, *, repeatable: bool = True, **content: Any) -> dict[str, Any]:
        """Send a request and read the JSON; one that is not `repeatable` raises Unclear if it may have arrived."""
        answer = self._insist(lambda: self.client.request(method, path, **content), repeatable)
        return self._read(answer)

    def upload(self, path: str, file: Path, name: str, fields: dict[str, str]) -> dict[str, Any]:
        """Send a file and `fields` as a form."""

        def send() -> httpx.Response:
            with file.open("rb") as stream:
                return self.client.post(path, data=fields, files={"file": (name, stream, "application/jsonl")})

        return self._read(self._insist(send, repeatable=True))

    def download(self, path: str, params: dict[str, str], out: Path, limit: int) -> None:
        """Fetch a file into `out`, whole or not at all."""

        def fetch() -> httpx.Response:
            # The key goes to no other host that an answer may lead to: httpx takes it off.
            with self.client.stream("GET", path, params=params, follow_redirects=True) as answer:
                if not answer.is_success:
                    answer.read()
                    return answer
                with replacing(out) as file:
                    for chunk in answer.iter_bytes():
                        if file.tell() + len(chunk) > limit:
                            raise UserError(f"{self.service}: what it sends is larger than {limit >> 30} GiB")
                        file.write(chunk)
                return answer

        self._insist(fetch, repeatable=True)

    def _insist(self, send: Callable[[], httpx.Response], repeatable: bool) -> httpx.Response:
        patience = Patience(first=FIRST_PAUSE, seconds=PATIENCE_SECONDS, obeyed=PATIENCE_SECONDS)
        try:
            return insist(send, patience, lambda fault: self._describe(fault, repeatable), _wait)
        except GivenUp as fault:
            minutes = PATIENCE_SECONDS / 60
            raise UserError(f"{fault}; given up after {minutes:.0f} minutes: run the same command to resume") from None

    def _describe(self, fault: httpx.Response | httpx.TransportError, repeatable: bool) -> str:
        """Describe a fault that may pass; a busy service, or one that was never reached, did not take the request."""
        if isinstance(fault, httpx.Response):
            message, heard = self._format_error(fault), fault.status_code != 429
            if heard and fault.status_code not in PASSING:
                raise UserError(message)
        else:
            message = self._hide(f"{self.service}: {type(fault).__name__}: {fault}")
            heard = not isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout)
        if heard and not repeatable:
            raise Unclear(message)
        return message

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            read = answer.json()
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise UserError(self._hide(f"{self.service}: no JSON object: {answer.text[:80]!r}"))
        return read

    def _format_error(self, answer: httpx.Response) -> str:
        try:
            error = answer.json()
            error = error.get("error", error)
            text = error["message"] if isinstance(error, dict) else error
        except (ValueError, LookupError, AttributeError):
            text = answer.text
        hint = f" (the key is from {self.key_name})" if answer.status_code in (401, 403) else ""
        message = f"{self.service}: {answer.status_code} {answer.reason_phrase}: {str(text)[:300]}{hint}"
        return self._hide(message)

    def _hide(self, text: str) -> str:
        return on_one_line(text.replace(self.key, "***"))


def _wait(pause: float, fault: str) -> bool:
    print(f"{fault}; again in {pause:.1f} s")
    time.sleep(pause)
    return False
