"""Calls to a server by HTTP, to a small one that answers what it was asked."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recipebook.shell.transport import CallError, HttpAnswer, LocalTransport, RemoteTransport, open_transport

TOKEN = {"Authorization": "Bearer open sesame"}


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = [self.path, body, self.headers["Authorization"], self.headers["Content-Type"], self.client_address[1]]
        answer = json.dumps(asked).encode()
        self.send_response(418)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        # It ends the connection without a word, as a server does with one that was not used for a while.
        self.close_connection = self.path == "/last"

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def read(answer: HttpAnswer) -> list[object]:
    assert answer.status == 418
    found: list[object] = json.loads(answer.body)
    return found


def test_calls_share_a_connection_and_have_a_new_one_where_the_server_has_closed_it(address: str) -> None:
    calls = open_transport(f"{address}/env/", TOKEN)
    first, second = read(calls.post("/step", b'{"a": 1}')), read(calls.post("/step", b"{}"))
    assert first[:4] == ["/env/step", '{"a": 1}', "Bearer open sesame", "application/json"]
    assert second[4] == first[4]
    calls.close()
    assert read(calls.post("/step", b"{}"))[4] != first[4]
    closing = open_transport(address, TOKEN)
    ports = set()
    for _ in range(3):
        ports.add(read(closing.post("/last", b"{}"))[4])
        time.sleep(0.2)
    assert len(ports) == 3
    closing.close()
    calls.close()


def test_a_call_to_nobody_fails_on_one_line() -> None:
    with pytest.raises(CallError, match=r"^\[Errno 111\] Connection refused$"):
        open_transport("http://127.0.0.1:1", {}).post("/step", b"{}")


def test_a_call_to_a_server_that_speaks_otherwise_fails(address: str) -> None:
    with pytest.raises(CallError):
        open_transport(address.replace("http", "https"), {}).post("/step", b"{}")


def test_only_calls_to_this_machine_pass_no_proxy(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    assert isinstance(open_transport(address, {}), LocalTransport)
    calls = open_transport("http://tasks.invalid", TOKEN)
    assert isinstance(calls, RemoteTransport)
    assert read(calls.post("/step", b"{}"))[:3] == ["http://tasks.invalid/step", "{}", "Bearer open sesame"]
    calls.close()
