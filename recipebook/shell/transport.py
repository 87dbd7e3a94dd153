"""HTTP calls to one server: a path and a JSON body in; the status and the body of its answer out.

    calls = open_transport("http://127.0.0.1:8000", {"Authorization": "Bearer …"})
    calls.post("/close", b'{"episode": "17-0"}')  →  HttpAnswer(status=200, body=b'{"closed":true}')

Calls to this machine go by the standard library, which takes a quarter of the processor's time that httpx takes: eight
calls at once wait for the processor alone. Other addresses go by httpx, which knows proxies.
"""

import http.client
import select
from collections import deque
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from recipebook.errors import UserError, on_one_line
from recipebook.shell.messages import LOOPBACK

# A reset has twenty seconds for the box and twenty for the task's script.
CONNECT_SECONDS, READ_SECONDS = 10, 60
JSON = {"Content-Type": "application/json"}


class HttpAnswer(NamedTuple):
    """What a server answered."""

    status: int
    body: bytes


class CallError(Exception):
    """No answer came; whether the call was taken is not known."""


class Transport(Protocol):
    """Calls to one server; every method may be called from any thread."""

    def post(self, path: str, body: bytes) -> HttpAnswer:
        """Send a call and wait for its answer."""

    def close(self) -> None:
        """Close the connections that nobody uses."""


def open_transport(address: str, headers: dict[str, str]) -> Transport:
    """Calls to the server at an address, each with these headers; nothing is sent yet. UserError if it is none."""
    try:
        parts = urlsplit(address)
        # Read only here, where a number that is no port is an error.
        _ = parts.port
    except ValueError as error:
        raise UserError(f"{on_one_line(address)}: {error}") from None
    return LocalTransport(parts, headers) if _is_plain(parts) else RemoteTransport(address, headers)


def _is_plain(parts: SplitResult) -> bool:
    """Whether an address is this machine's, without anything that only httpx knows."""
    return parts.scheme == "http" and parts.hostname in LOOPBACK and "@" not in parts.netloc


class LocalTransport:
    """Calls to a server of this machine, which no proxy can reach, over connections that stay open."""

    def __init__(self, parts: SplitResult, headers: dict[str, str]) -> None:
        self.host, self.port = parts.hostname or "", parts.port
        self.folder = parts.path.rstrip("/")
        self.headers = {name: value.encode() for name, value in {**JSON, **headers}.items()}
        self._idle: deque[http.client.HTTPConnection] = deque()

    def post(self, path: str, body: bytes) -> HttpAnswer:
        """Send a call over a connection that nobody uses, or over a new one."""
        try:
            connection = self._take() or self._connect()
        except OSError as error:
            raise CallError(on_one_line(str(error))) from None
        try:
            connection.request("POST", self.folder + path, body, self.headers)
            response = connection.getresponse()
            answer = HttpAnswer(response.status, response.read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            connection.close()
            raise CallError(on_one_line(str(error))) from None
        except BaseException:
            # Its answer would be taken for that of the next call.
            connection.close()
            raise
        if connection.sock:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> http.client.HTTPConnection | None:
        """A connection that nobody uses; those that the server has closed meanwhile are forgotten."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            poll = select.poll()
            poll.register(connection.sock, select.POLLIN)
            if not poll.poll(0):
                return connection
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=CONNECT_SECONDS)
        connection.connect()
        connection.sock.settimeout(READ_SECONDS)
        return connection


class RemoteTransport:
    """Calls to any other address, through the proxies that the environment names."""

    def __init__(self, address: str, headers: dict[str, str]) -> None:
        import httpx

        self.failures = httpx.TransportError
        # A proxy cannot reach this machine's loopback.
        proxied = urlsplit(address).hostname not in LOOPBACK
        timeout = httpx.Timeout(CONNECT_SECONDS, read=READ_SECONDS)
        self.client = httpx.Client(base_url=address, headers={**JSON, **headers}, timeout=timeout, trust_env=proxied)

    def post(self, path: str, body: bytes) -> HttpAnswer:
        """Send a call over one of the client's connections."""
        try:
            answer = self.client.post(path, content=body)
        except self.failures as error:
            raise CallError(on_one_line(str(error))) from None
        return HttpAnswer(answer.status_code, answer.content)

    def close(self) -> None:
        """Close all connections."""
        self.client.close()
