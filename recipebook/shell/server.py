"""The server of shell tasks: `make serve-env TASKS=samples/shell_tasks.json`.

In: requests as messages.py has them. Out: their replies; 404 for an unknown task or episode, 409 for a step out of
turn, 422 for a request in another form, 400 for a base that was not made, 503 while as many episodes are open as the
server takes or while it is ending, each with a `detail` of one line; besides, what door.py refuses.

Everything happens in `Episodes`. Boxes start in the spawner's process, so it does not matter which thread answers.
"""

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from recipebook.errors import UserError, on_one_line
from recipebook.frozen import Frozen
from recipebook.shell import messages
from recipebook.shell.door import Door
from recipebook.shell.episodes import EpisodeError, Episodes, FullError, NoEpisodeError
from recipebook.shell.outcomes import reward
from recipebook.shell.tasks import Task

REAPER_SECONDS = 1.0
# Most of them wait for a command, or for one that they repeat. Boxes that start take the processor, so resets have
# the pool that FastAPI gives to calls: 40 threads.
STEPS_AT_ONCE, ENDS_AT_ONCE = 1000, 40
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


def require_safe(settings: ServerSettings) -> None:
    """UserError for a server that everybody could use to run commands."""
    if settings.host not in messages.LOOPBACK and not settings.token:
        raise UserError(f"--host {settings.host}: others than this machine may only call a server with a token")


def build_app(tasks: Sequence[Task], episodes: Episodes, settings: ServerSettings) -> FastAPI:
    """The application; when it ends, so do all episodes."""
    app = FastAPI(title="Shell tasks", lifespan=_make_lifespan(episodes, settings))
    app.add_middleware(Door, token=settings.token)
    app.add_exception_handler(UserError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse)
    calls = Calls(tasks, episodes)
    app.post("/api/ping", response_model=messages.PingReply)(calls.ping)
    app.post("/reset", response_model=messages.ResetReply)(calls.reset)
    app.post("/step", response_model=messages.StepReply)(calls.step)
    app.post("/evaluate", response_model=messages.OutcomeReply)(calls.evaluate)
    app.post("/state", response_model=messages.StateReply)(calls.state)
    app.post("/close", response_model=messages.CloseReply)(calls.close)
    return app


class Calls:
    """What the server does on each of its paths; those that wait for a box take their turn in a pool of threads.

    There are three pools, so that neither long commands nor starts of boxes hold up the end of an episode.
    """

    def __init__(self, tasks: Sequence[Task], episodes: Episodes) -> None:
        self.tasks = {task.number: task for task in tasks}
        self.episodes = episodes
        self.steps, self.ends = CapacityLimiter(STEPS_AT_ONCE), CapacityLimiter(ENDS_AT_ONCE)

    async def ping(self) -> Response:
        """Whether the server is there."""
        return _reply(messages.PingReply(tasks=len(self.tasks), episodes=len(self.episodes.list_open())))

    def reset(self, request: messages.ResetRequest) -> Response:
        """Begin an episode, or begin it anew."""
        task = self.tasks.get(request.task) if isinstance(request.task, int) else request.task
        if task is None:
            return _deny(404, f"no task {request.task}; there are {len(self.tasks)}")
        begun = self.episodes.reset(task, request.episode, request.rounds, request.seconds, request.base)
        return _reply(messages.ResetReply(episode=request.episode, messages=begun))

    async def step(self, request: messages.StepRequest) -> Response:
        """Take a step, or return the reply of one that was taken."""
        given = request.episode, request.number, request.text
        taken = await to_thread.run_sync(self.episodes.step, *given, limiter=self.steps)
        return _reply(messages.StepReply(**taken._asdict()))

    async def evaluate(self, request: messages.EpisodeRequest) -> Response:
        """Judge an episode; the first call decides."""
        outcome = await to_thread.run_sync(self.episodes.evaluate, request.episode, limiter=self.steps)
        return _reply(messages.OutcomeReply(outcome=outcome, reward=None if outcome == "unknown" else reward(outcome)))

    async def state(self, request: messages.EpisodeRequest) -> Response:
        """How far an episode is."""
        found = self.episodes.find(request.episode)
        return _reply(
            messages.StateReply(
                task=found.task.number,
                steps=len(found.steps),
                status=found.status,
                outcome=found.outcome,
                init_status=found.init_status,
            )
        )

    async def close(self, request: messages.EpisodeRequest) -> Response:
        """End an episode."""
        was_open = request.episode in self.episodes.list_open()
        await to_thread.run_sync(self.episodes.close, request.episode, limiter=self.ends)
        return _reply(messages.CloseReply(closed=was_open))


def _reply(model: BaseModel) -> Response:
    """The reply as it is sent; what a handler returns otherwise takes a second turn in the pool, to be checked."""
    return Response(model.model_dump_json(), media_type="application/json")


def _deny(status: int, detail: str) -> Response:
    return JSONResponse({"detail": detail}, status)


async def _refuse(_: Request, error: Exception) -> Response:
    """What a call cannot have, as a line; it repeats no value of a request, since JSON cannot write each of them."""
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][1:]))
        return _deny(422, on_one_line(f"{place}: {first['msg']}" if place else first["msg"]))
    return _deny(next(status for kind, status in STATUSES.items() if isinstance(error, kind)), str(error))


def _make_lifespan(
    episodes: Episodes, settings: ServerSettings
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        ended = threading.Event()
        reaper = threading.Thread(target=_reap, args=(episodes, settings.idle_seconds, ended))
        reaper.start()
        yield
        ended.set()
        reaper.join()
        episodes.end()

    return live


def _reap(episodes: Episodes, idle_seconds: float, ended: threading.Event) -> None:
    while not ended.wait(REAPER_SECONDS):
        episodes.close_idle(idle_seconds)
