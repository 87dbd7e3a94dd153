"""Where episodes are played: on the server that SHELL_TASKS_SERVER names, else on one that this process starts.

    with open_episodes(rounds=5, seconds=20) as episodes:
        episodes.reset(task, "17-0")

A server of this process's own listens to this machine alone, with a token that nobody else knows. Its socket belongs to
this process: if the server is killed, another is started on the same address, and callers notice a pause only.
"""

import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from recipebook.errors import UserError, on_one_line
from recipebook.project import INSTALLATION
from recipebook.shell.base import require_base
from recipebook.shell.client import RemoteEpisodes
from recipebook.shell.contract import BaseName
from recipebook.shell.requirements import require_boxes

SERVER, TOKEN = "SHELL_TASKS_SERVER", "SHELL_TASKS_TOKEN"
PAUSE_SECONDS = 0.5
# Seconds that a call waits for a server that is started again.
PATIENCE = 120
WAITING_CALLS = 128


class OwnServer:
    """A server of shell tasks that ends with this process, and is started again if it ends before."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=WAITING_CALLS)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.fault: str | None = None
        """Why the server has ended for good, once it has."""
        self._closed = threading.Event()
        self.process = self._start()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """End the server and all its episodes."""
        self._closed.set()
        assert self.process.stdin
        self.process.stdin.close()
        self._watcher.join()
        self._listening.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        descriptor = self._listening.fileno()
        return subprocess.Popen(
            [sys.executable, "-m", "recipebook.shell.serving", str(descriptor)],
            cwd=INSTALLATION, stdin=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[descriptor],
            start_new_session=True, env={**os.environ, TOKEN: self.token},
        )  # fmt: skip

    def _watch(self) -> None:
        # A server that ends by itself has said why, and would end again.
        while (last := self._pass_on(self.process)) is None:
            if self._closed.wait(PAUSE_SECONDS):
                return
            print(
                f"the server of shell tasks was ended by signal {-self.process.wait()}, and is started again",
                flush=True,
            )
            self.process = self._start()
        if not self._closed.is_set():
            self.fault = f"the server of shell tasks has ended: {last}"
            # Calls fail, and do not wait for an answer.
            self._listening.close()

    def _pass_on(self, process: "subprocess.Popen[bytes]") -> str | None:
        """Print what a server says until it ends, but for its last line, which is returned if it ended by itself."""
        assert process.stderr
        last = ""
        for line in process.stderr:
            print(last, end="", file=sys.stderr, flush=True)
            last = line.decode(errors="replace")
        if (status := process.wait()) >= 0:
            return on_one_line(last.strip()) or f"exit status {status}"
        print(last, end="", file=sys.stderr, flush=True)
        return None


def require_episodes(base: BaseName | None = None) -> None:
    """UserError where no episode could be played: the server that is named does not answer, or boxes cannot be had."""
    if named := os.environ.get(SERVER):
        try:
            with RemoteEpisodes(named, os.environ.get(TOKEN), patience=0) as episodes:
                episodes.ping()
        except UserError as error:
            raise UserError(f"{SERVER}: {error}") from None
        return
    require_boxes()
    require_base(base or "host")


@contextmanager
def open_episodes(rounds: int, seconds: float, base: BaseName | None = None) -> Iterator[RemoteEpisodes]:
    """Episodes of at most `rounds`, in boxes of a `base`; a command may take `seconds`. UserError without a server."""
    if named := os.environ.get(SERVER):
        with RemoteEpisodes(named, os.environ.get(TOKEN), rounds, seconds, PATIENCE, base) as episodes:
            episodes.ping()
            yield episodes
        return
    require_episodes(base)
    server = OwnServer()
    try:
        with RemoteEpisodes(
            server.address, server.token, rounds, seconds, PATIENCE, base, lambda: server.fault
        ) as episodes:
            episodes.ping()
            yield episodes
    finally:
        server.close()
