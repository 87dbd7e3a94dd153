"""Serves shell tasks until it is stopped: `python -m recipebook.shell.serving FD`, or `make serve-env` by `serve`.

    serve(tasks, ServerSettings(), [listen("127.0.0.1", 8000)], BoxSettings())

Called with the descriptor FD of a listening socket, it serves another process of this project: that process sends
whole tasks, has put a token into SHELL_TASKS_TOKEN, and holds the other end of the standard input. The server ends when
that end is closed, also by a kill. So no box outlives the training that it was started for.
"""

import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType

from recipebook.errors import UserError
from recipebook.shell.address import TOKEN, WAITING_CALLS
from recipebook.shell.box import BoxSettings
from recipebook.shell.connections import Listener, Working
from recipebook.shell.door import Door
from recipebook.shell.episodes import Episodes
from recipebook.shell.inspection import inspect
from recipebook.shell.port import leave_to_next, take_port
from recipebook.shell.server import Calls, ServerSettings
from recipebook.shell.tasks import Task

# For answers that are still to be sent; commands are ended before.
GRACE_SECONDS = 2
# Between two looks for episodes that nobody uses, and for whether to take no more connections.
REAPER_SECONDS, TICK = 1.0, 0.1
# A training may have as many episodes at once as it likes.
MOST_EPISODES = 1_000_000


def require_holding_boxes(box: BoxSettings) -> None:
    """UserError if a quick attempt gets out of such a box here."""
    if out := [attempt.name for attempt in inspect(box, quick=True) if not attempt.held]:
        raise UserError(f"boxes do not hold here, so none is served: {', '.join(out)} (make sandbox-check)")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; UserError if the port is taken or the address is not this machine's."""
    listening = take_port(host, port)
    leave_to_next(listening)
    listening.listen(WAITING_CALLS)
    return listening


def serve(tasks: Sequence[Task], settings: ServerSettings, listening: list[socket.socket], box: BoxSettings) -> None:
    """Serve on these sockets until SIGTERM or SIGINT, which then has its usual effect."""
    TaskServer(tasks, settings, listening, box).run_until_signalled()


class TaskServer:
    """A server of shell tasks; when it ends, so do all episodes."""

    def __init__(
        self, tasks: Sequence[Task], settings: ServerSettings, listening: list[socket.socket], box: BoxSettings
    ) -> None:
        # Each box takes two, and most machines give a process 1,024 unless it asks for more.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.episodes = Episodes(box, most=settings.most_episodes)
        self.idle_seconds = settings.idle_seconds
        self.working = Working()
        self.ends: SimpleQueue[int] = SimpleQueue()
        """What ends the server: a signal's number, or 0. Unlike an event, a signal's handler may put something in."""
        door, calls = Door(settings.token), Calls(tasks, self.episodes)
        self.listeners = [Listener(one, door, calls, self.working) for one in listening]

    def run_until_signalled(self) -> None:
        """Answer calls until SIGTERM or SIGINT, which then has its usual effect, or until `ends` has something else."""
        with self._taking_signals():
            number = self._run()
        if number:
            signal.raise_signal(number)

    def _run(self) -> int:
        threads = [threading.Thread(target=listener.serve_forever, args=(TICK,)) for listener in self.listeners]
        for thread in threads:
            thread.start()
        while (number := self._wait()) is None:
            self.episodes.close_idle(self.idle_seconds)
        # First, so that no call waits for a command.
        self.episodes.end()
        for listener, thread in zip(self.listeners, threads, strict=True):
            listener.shutdown()
            thread.join()
            listener.socket.close()
        self.working.wait(GRACE_SECONDS)
        return number

    def _wait(self) -> int | None:
        try:
            return self.ends.get(timeout=REAPER_SECONDS)
        except Empty:
            return None

    @contextmanager
    def _taking_signals(self) -> Iterator[None]:
        def end(number: int, _: FrameType | None) -> None:
            self.ends.put(number)

        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _end_with_owner(server: TaskServer) -> None:
    while os.read(0, 1):
        pass
    server.ends.put(0)


def main() -> None:
    """Serve the process that started this one."""
    box = BoxSettings()
    try:
        require_holding_boxes(box)
    except UserError as error:
        sys.exit(str(error))
    settings = ServerSettings(token=os.environ[TOKEN], most_episodes=MOST_EPISODES)
    server = TaskServer((), settings, [socket.socket(fileno=int(sys.argv[1]))], box)
    threading.Thread(target=_end_with_owner, args=(server,), daemon=True).start()
    server.run_until_signalled()


if __name__ == "__main__":
    main()
