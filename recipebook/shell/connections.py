"""HTTP connections to the server of shell tasks, each in a thread of its own.

    Listener(listening, Door(None), calls, Working()).serve_forever()
    POST /close, {"episode": "17-0"}  →  200, application/json, {"closed":false}

Whoever calls waits for a box, so a thread that does nothing else costs least: handing each call from an event loop to a
thread and back took two thirds of what the server did for a step.
"""

import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from recipebook.shell.door import Door
from recipebook.shell.server import Calls, Reply, refuse

# For callers that have not sent all of a call, and those that have said nothing for so long.
SILENT_SECONDS = 60


class Connection(BaseHTTPRequestHandler):
    """One connection, and the calls over it one after the other."""

    server: "Listener"
    protocol_version = "HTTP/1.1"
    timeout = SILENT_SECONDS
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """One call, from its headers on."""
        if refused := self.server.door.refuse(self.headers):
            self._send(refuse(*refused), last=True)
            return
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        if length and self.headers.get_content_type() != "application/json":
            # Other types may be sent by a page that a browser of this machine shows.
            self._send(refuse(415, "a call's Content-Type is application/json"))
            return
        with self.server.working:
            self._send(self.server.calls.answer(self.path.partition("?")[0], body))

    def handle_expect_100(self) -> bool:
        """Have a caller that waits for it send the body, unless the call is refused."""
        if refused := self.server.door.refuse(self.headers):
            self._send(refuse(*refused), last=True)
            return False
        return super().handle_expect_100()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What is no call at all, as the other refusals are."""
        self._send(refuse(code, message or explain or "not understood"), last=True)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: callers are told what is wrong."""

    def _send(self, reply: Reply, last: bool = False) -> None:
        """Answer in one piece; after the last answer what is left of the call is not read."""
        self.close_connection = self.close_connection or last
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(reply.body)}"]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + reply.body)


class Working:
    """How many calls are being answered."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = threading.Condition()

    def __enter__(self) -> None:
        """One more."""
        with self.changed:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        """One less."""
        with self.changed:
            self.count -= 1
            self.changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Return when all have their answers, at the latest after `seconds`."""
        with self.changed:
            self.changed.wait_for(lambda: not self.count, seconds)


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Takes connections on a socket that listens."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, door: Door, calls: Calls, working: Working) -> None:
        super().__init__(listening.getsockname(), Connection, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.door, self.calls, self.working = door, calls, working

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing where the caller has gone; else what Python says."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
