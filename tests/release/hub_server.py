"""A stand-in for the hub on this machine: the calls of an upload in; what a repository then holds, out.

It takes what huggingface_hub 1.17 sends: a repository is created, files are announced, large ones are put by git-lfs's
protocol, and one commit names them all.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_stand_in"


class Hub(ThreadingHTTPServer):
    """The server and what it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, str] = {}
        """Who may see each repository."""
        self.files: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.page: bytes | None = None
        """What it answers to everything, in place of a hub's answers."""

    @property
    def url(self) -> str:
        """Its address, as HF_ENDPOINT names it."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self._answer([] if "/tree/" in self.path else {"id": "o/n", "siblings": []})

    def do_PUT(self) -> None:
        self.server.objects[self.path.rpartition("/")[2]] = self._read()
        self._answer({})

    def do_POST(self) -> None:
        body = self._read()
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "no"}, 401)
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.server.repositories[name] = asked["visibility"]
            self._answer({"url": f"{self.server.url}/{name}"})
        elif "/preupload/" in self.path:
            files = json.loads(body)["files"]
            self._answer({"files": [_announce(one["path"]) for one in files]})
        elif self.path.endswith("/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            self._answer({"transfer": "basic", "objects": [self._describe(one) for one in objects]})
        elif "/commit/" in self.path:
            for line in body.splitlines():
                self._take(json.loads(line))
            self._answer({"commitUrl": f"{self.server.url}/commit/1", "commitOid": "1" * 40, "success": True})
        else:
            self._answer({})

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _take(self, line: dict[str, Any]) -> None:
        value = line["value"]
        if line["key"] == "file":
            self.server.files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            self.server.files[value["path"]] = self.server.objects[value["oid"]]

    def _describe(self, one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "actions": {"upload": {"href": f"{self.server.url}/objects/{one['oid']}"}}}

    def _read(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _answer(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode() if self.server.page is None else self.server.page
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _announce(path: str) -> dict[str, Any]:
    mode = "lfs" if path.endswith(".safetensors") else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False}


@contextmanager
def serving() -> Iterator[Hub]:
    """The hub, for as long as a test lasts."""
    hub = Hub()
    thread = Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
