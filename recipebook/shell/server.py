"""What the server of shell tasks answers: `make serve-env TASKS=samples/shell_tasks.json`.

In: requests as messages.py has them. Out: their replies; 404 for an unknown task, episode or path, 409 for a step out
of turn, 422 for a request in another form, 400 for a base that was not made, 503 while as many episodes are open as the
server takes or while it is ending, each with a `detail` of one line; besides, what door.py refuses.

    Calls(tasks, Episodes()).answer("/close", b'{"episode": "17-0"}')  →  Reply(200, b'{"closed":false}')

Everything happens in `Episodes`. Boxes start in the spawner's process, so it does not matter which thread answers.
"""

import json
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.frozen import Frozen
from recipebook.shell import messages
from recipebook.shell.episodes import EpisodeError, Episodes, FullError, NoEpisodeError
from recipebook.shell.outcomes import reward
from recipebook.shell.tasks import Task

# Boxes that start take the processor, and the memory of a fork, so the others wait for their turn.
RESETS_AT_ONCE = 40
# The first that a refusal is an instance of.
STATUSES = {NoEpisodeError: 404, EpisodeError: 409, FullError: 503, UserError: 400}


class ServerSettings(Frozen):
    """Where the server listens, and what it takes."""

    host: str = "127.0.0.1"
    token: str | None = None
    """What callers must send as `Authorization: Bearer …`."""
    most_episodes: int = 256
    idle_seconds: float = 600
    """Episodes that nobody used for so long are closed."""


class Reply(NamedTuple):
    """What a call is answered."""

    status: int
    body: bytes


def require_safe(settings: ServerSettings) -> None:
    """UserError for a server that everybody could use to run commands."""
    if settings.host not in messages.LOOPBACK and not settings.token:
        raise UserError(f"--host {settings.host}: others than this machine may only call a server with a token")


def refuse(status: int, detail: str) -> Reply:
    """A refusal, with its line."""
    return Reply(status, json.dumps({"detail": on_one_line(detail)}, separators=(",", ":")).encode())


class Calls:
    """What the server does on each of its paths; every call may come in a thread of its own, and waits there."""

    def __init__(self, tasks: Sequence[Task], episodes: Episodes) -> None:
        self.tasks = {task.number: task for task in tasks}
        self.episodes = episodes
        self.resets = threading.BoundedSemaphore(RESETS_AT_ONCE)
        self.paths: dict[str, tuple[type[BaseModel] | None, Callable[[Any], BaseModel]]] = {
            "/api/ping": (None, self._ping),
            "/reset": (messages.ResetRequest, self._reset),
            "/step": (messages.StepRequest, self._step),
            "/evaluate": (messages.EpisodeRequest, self._evaluate),
            "/state": (messages.EpisodeRequest, self._state),
            "/close": (messages.EpisodeRequest, self._close),
        }

    def answer(self, path: str, body: bytes) -> Reply:
        """The reply to a call, whatever it is."""
        if path not in self.paths:
            return refuse(404, f"no such path; there are {', '.join(self.paths)}")
        form, act = self.paths[path]
        try:
            request = form.model_validate_json(body) if form else None
        except ValidationError as error:
            return refuse(422, format_first_error(error))
        try:
            return Reply(200, act(request).model_dump_json().encode())
        except UserError as error:
            return refuse(next(status for kind, status in STATUSES.items() if isinstance(error, kind)), str(error))
        except Exception:
            traceback.print_exc()
            return refuse(500, "a fault of the server, which its own output describes")

    def _ping(self, _: None) -> messages.PingReply:
        return messages.PingReply(tasks=len(self.tasks), episodes=len(self.episodes.list_open()))

    def _reset(self, request: messages.ResetRequest) -> messages.ResetReply:
        task = self.tasks.get(request.task) if isinstance(request.task, int) else request.task
        if task is None:
            raise NoEpisodeError(f"no task {request.task}; there are {len(self.tasks)}")
        with self.resets:
            begun = self.episodes.reset(task, request.episode, request.rounds, request.seconds, request.base)
        return messages.ResetReply(episode=request.episode, messages=begun)

    def _step(self, request: messages.StepRequest) -> messages.StepReply:
        taken = self.episodes.step(request.episode, request.number, request.text)
        return messages.StepReply(**taken._asdict())

    def _evaluate(self, request: messages.EpisodeRequest) -> messages.OutcomeReply:
        outcome = self.episodes.evaluate(request.episode)
        return messages.OutcomeReply(outcome=outcome, reward=None if outcome == "unknown" else reward(outcome))

    def _state(self, request: messages.EpisodeRequest) -> messages.StateReply:
        found = self.episodes.find(request.episode)
        return messages.StateReply(
            task=found.task.number,
            steps=len(found.steps),
            status=found.status,
            outcome=found.outcome,
            init_status=found.init_status,
        )

    def _close(self, request: messages.EpisodeRequest) -> messages.CloseReply:
        was_open = request.episode in self.episodes.list_open()
        self.episodes.close(request.episode)
        return messages.CloseReply(closed=was_open)
