"""Requests to a service that may be busy, slow or away: repeated with growing pauses, and told in one line in the end.

In: `Web("https://…/v1", key, "TOGETHER_API_KEY", "together").ask("GET", "fine-tunes/ft-3f2a")`. Out: the answer's JSON.
429 and `Retry-After` are obeyed; 500, 502, 503, 504 and broken connections are tried again for half an hour; any
other refusal is the user's to know. The key is in no message.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
LONGEST_PAUSE = 60.0
PASSING = (500, 502, 503, 504)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Web:
    """One service's address and key."""

    def __init__(self, url: str, key: str, key_name: str, service: str) -> None:
        if httpx.URL(url).scheme != "https" and httpx.URL(url).host not in LOOPBACK:
            raise UserError(f"{service}: remote.url: {url} would carry the key in the clear; it begins with https://")
        self.key, self.key_name, self.service = key, key_name, service
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx.Client(base_url=f"{url}/", headers=headers, timeout=TIMEOUT)

    def ask(self, method: str, path: str, *, repeatable: bool = True, **content: Any) -> dict[str, Any]:
        """Send a request and read the JSON; one that is not `repeatable` is Unclear once it may have been heard."""
        answer = self._insist(lambda: self.client.request(method, path, **content), repeatable)
        return self._read(answer)

    def upload(self, path: str, file: Path, name: str, fields: dict[str, str]) -> dict[str, Any]:
        """Send a file as a form does."""

        def send() -> httpx.Response:
            with file.open("rb") as stream:
                return self.client.post(path, data=fields, files={"file": (name, stream, "application/jsonl")})

        return self._read(self._insist(send, repeatable=True))

    def download(self, path: str, params: dict[str, str], out: Path, limit: int) -> None:
        """Fetch a file; it is there whole or not at all."""

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
        trouble: list[str] = []
        for pause in self._pauses():
            with self._telling(trouble, repeatable):
                answer = send()
                if answer.is_success:
                    return answer
                if answer.status_code != 429 and answer.status_code not in PASSING:
                    raise UserError(self._tell(answer))
                trouble.append(self._tell(answer))
                if answer.status_code != 429 and not repeatable:
                    raise Unclear(trouble[-1])
                pause = max(pause, _read_pause(answer.headers.get("Retry-After")))
            print(f"{trouble[-1]}; again in {pause:.1f} s")
            time.sleep(pause)
        raise UserError(f"{trouble[-1]}; given up after {PATIENCE_SECONDS / 60:.0f} minutes, the same command goes on")

    def _pauses(self) -> Iterator[float]:
        """Growing pauses, each a bit another, so that many who wait do not come back together."""
        started, pause = time.monotonic(), FIRST_PAUSE
        while time.monotonic() - started < PATIENCE_SECONDS:
            yield pause * random.uniform(0.8, 1.2)
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextmanager
    def _telling(self, trouble: list[str], repeatable: bool) -> Iterator[None]:
        """Turn a broken connection into a line; one that never stood carried nothing."""
        try:
            yield
        except httpx.TransportError as error:
            trouble.append(self._hide(f"{self.service}: {type(error).__name__}: {error}"))
            if not repeatable and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                raise Unclear(trouble[-1]) from error

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            read = answer.json()
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise UserError(self._hide(f"{self.service}: no JSON object: {answer.text[:80]!r}"))
        return read

    def _tell(self, answer: httpx.Response) -> str:
        try:
            error = answer.json()
            error = error.get("error", error)
            said = error["message"] if isinstance(error, dict) else error
        except (ValueError, LookupError, AttributeError):
            said = answer.text
        hint = f" (the key is from {self.key_name})" if answer.status_code in (401, 403) else ""
        told = f"{self.service}: {answer.status_code} {answer.reason_phrase}: {str(said)[:300]}{hint}"
        return self._hide(told)

    def _hide(self, text: str) -> str:
        return on_one_line(text.replace(self.key, "***"))


def _read_pause(header: str | None) -> float:
    """`Retry-After`: seconds, or a date."""
    if header is None:
        return 0.0
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0
