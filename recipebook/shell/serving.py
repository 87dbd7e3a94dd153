"""Serves shell tasks until it is stopped: `python -m recipebook.shell.serving FD`, or `make serve-env` by `serve`.

    serve(tasks, ServerSettings(), [listen("127.0.0.1", 8000)], BoxSettings())

Called with the descriptor FD of a listening socket, it serves another process of this project: that process sends
whole tasks, has put a token into SHELL_TASKS_TOKEN, and holds the other end of the standard input. The server ends when
that end is closed, also by a kill. So no box outlives the training that it was started for.
"""

import asyncio
import os
import resource
import socket
import sys
import threading
from collections.abc import Sequence

import uvicorn

from recipebook.errors import UserError
from recipebook.shell.address import TOKEN, WAITING_CALLS
from recipebook.shell.box import BoxSettings
from recipebook.shell.episodes import Episodes
from recipebook.shell.inspection import inspect
from recipebook.shell.port import leave_to_next, take_port
from recipebook.shell.server import ServerSettings, build_app
from recipebook.shell.tasks import Task

# For callers that have not sent all of a call, or read its reply; commands are ended before.
GRACE_SECONDS = 2
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
    """Serve on these sockets until SIGTERM or SIGINT."""
    _make_server(tasks, settings, box).run(sockets=listening)


def _make_server(tasks: Sequence[Task], settings: ServerSettings, box: BoxSettings) -> uvicorn.Server:
    # Each box takes two, and most machines give a process 1,024 unless it asks for more.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    episodes = Episodes(box, most=settings.most_episodes)
    config = uvicorn.Config(
        build_app(tasks, episodes, settings), log_level="warning", timeout_graceful_shutdown=GRACE_SECONDS
    )
    return TaskServer(config, episodes)


class TaskServer(uvicorn.Server):
    """A server that ends the episodes first when it ends, so that no call waits for a command."""

    def __init__(self, config: uvicorn.Config, episodes: Episodes) -> None:
        super().__init__(config)
        self.episodes = episodes

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the episodes, then the connections."""
        await asyncio.to_thread(self.episodes.end)
        await super().shutdown(sockets)


def _end_with_owner(server: uvicorn.Server) -> None:
    while os.read(0, 1):
        pass
    server.should_exit = True


def main() -> None:
    """Serve the process that started this one."""
    box = BoxSettings()
    try:
        require_holding_boxes(box)
    except UserError as error:
        sys.exit(str(error))
    server = _make_server((), ServerSettings(token=os.environ[TOKEN], most_episodes=MOST_EPISODES), box)
    threading.Thread(target=_end_with_owner, args=(server,), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
