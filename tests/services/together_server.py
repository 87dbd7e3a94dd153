"""Together's API as its reference describes it, played on loopback: files, jobs, downloads, and whatever goes wrong.

`faults` are what the next requests get, by method and first part of the path: a status with headers and a body, or
one of DROP (the connection is cut unheard), CUT (heard, then cut) and HANG (heard, never answered).
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "tk-0123456789abcdef"
DROP, CUT, HANG = "drop", "cut", "hang"
Fault = str | tuple[int, dict[str, str], Any]


@dataclass
class Account:
    """What the service holds of one customer."""

    url: str = ""
    archive: bytes = b""
    statuses: tuple[str, ...] = ("pending", "running", "completed")
    events: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    seen: list[str] = field(default_factory=list)
    hung: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def tell(self, job: str) -> dict[str, Any]:
        """A job at its present status; each look moves it on."""
        if self.jobs[job]["status"] not in ("cancelled", "error"):
            self.jobs[job]["status"] = self.statuses[min(self.looks[job], len(self.statuses) - 1)]
        self.looks[job] += 1
        return {**self.jobs[job], "events": self.events}


@contextmanager
def serving(archive: bytes = b"") -> Iterator[Account]:
    """An account on a server of its own."""
    account = Account(archive=archive)
    handler = type("Handler", (_Handler,), {"account": account})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    account.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield account
    finally:
        account.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    account: Account
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path.removeprefix("/v1/")
        asked = f"{self.command} {path}"
        self.account.seen.append(asked)
        waiting = self.account.faults[f"{self.command} {path.split('/')[0]}"]
        fault = waiting.pop(0) if waiting else None
        if fault == DROP:
            self.connection.close()
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            self._answer(*fault)
            return
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._answer(401, {}, {"error": {"message": f"Invalid API key {self.headers.get('Authorization')}"}})
            return
        status, answer = self._act(asked, path, body)
        if fault == HANG:
            self.account.hung.set()
            self.account.over.wait()
        if fault in (CUT, HANG):
            self.connection.close()
            self.close_connection = True
            return
        self._answer(status, {}, answer)

    def _act(self, asked: str, path: str, body: bytes) -> tuple[int, Any]:
        account = self.account
        if asked == "POST files/upload":
            name = f"file-{len(account.files) + 1}"
            account.files[name] = body
            return 200, {"id": name, "object": "file", "purpose": "fine-tune", "bytes": len(body)}
        if asked == "POST fine-tunes":
            order = json.loads(body)
            name = f"ft-{len(account.jobs) + 1}"
            account.jobs[name] = {
                "id": name,
                "status": "pending",
                "model_output_name": f"me/m-{order['suffix']}",
                **order,
            }
            return 200, account.jobs[name]
        if asked == "GET fine-tunes":
            return 200, {"data": list(account.jobs.values())}
        if asked == "GET finetune/download":
            wanted = parse_qs(urlsplit(self.path).query)
            good = wanted["checkpoint"] == ["adapter"] and wanted["ft_id"][0] in account.jobs
            return (200, account.archive) if good else (404, {"error": {"message": "no such job"}})
        job = path.split("/")[1]
        if job not in account.jobs:
            return 404, {"error": {"message": f"Fine-tune {job} not found"}}
        if asked.endswith("/cancel"):
            account.jobs[job]["status"] = "cancelled"
            return 200, account.jobs[job]
        return 200, account.tell(job)

    def _answer(self, status: int, headers: dict[str, str], answer: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
