"""The server of shell tasks: `make serve-env TASKS=samples/shell_tasks.json`.

In: requests as messages.py has them. Out: their replies; 404 for an unknown task or episode, 409 for a step out of
turn, 400 for a base that was not made, 503 while as many episodes are open as the server takes, each with a `detail`
of one line.

Everything happens in `Episodes`. Boxes start in the spawner's process, so it does not matter which thread answers.
"""

import secrets
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Response, params
from pydantic import BaseModel

from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.shell import messages
from recipebook.shell.episodes import EpisodeError, Episodes
from recipebook.shell.outcomes import reward
from recipebook.shell.tasks import Task

REAPER_SECONDS = 1.0


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
    app = FastAPI(title="Shell tasks", lifespan=_make_lifespan(episodes, settings), dependencies=_guard(settings))
    by_number = {task.number: task for task in tasks}

    @app.post("/api/ping", response_model=messages.PingReply)
    async def ping() -> Response:
        """Whether the server is there."""
        return _reply(messages.PingReply(tasks=len(tasks), episodes=len(episodes.list_open())))

    @app.post("/reset", response_model=messages.ResetReply)
    def reset(request: messages.ResetRequest) -> Response:
        """Begin an episode, or begin it anew."""
        task = by_number.get(request.task) if isinstance(request.task, int) else request.task
        if task is None:
            raise HTTPException(404, f"no task {request.task}; there are {len(tasks)}")
        open_now = episodes.list_open()
        if request.episode not in open_now and len(open_now) >= settings.most_episodes:
            raise HTTPException(503, f"{len(open_now)} episodes are open, and no more are taken")
        try:
            begun = episodes.reset(task, request.episode, request.rounds, request.seconds, request.base)
        except UserError as error:
            raise HTTPException(400, str(error)) from None
        return _reply(messages.ResetReply(episode=request.episode, messages=begun))

    @app.post("/step", response_model=messages.StepReply)
    def step(request: messages.StepRequest) -> Response:
        """Take a step, or return the reply of one that was taken."""
        _require_open(episodes, request.episode)
        try:
            taken = episodes.step(request.episode, request.number, request.text)
        except EpisodeError as error:
            raise HTTPException(409, str(error)) from None
        return _reply(messages.StepReply(**taken._asdict()))

    @app.post("/evaluate", response_model=messages.OutcomeReply)
    def evaluate(request: messages.EpisodeRequest) -> Response:
        """Judge an episode; the first call decides."""
        _require_open(episodes, request.episode)
        outcome = episodes.evaluate(request.episode)
        return _reply(messages.OutcomeReply(outcome=outcome, reward=None if outcome == "unknown" else reward(outcome)))

    @app.post("/state", response_model=messages.StateReply)
    async def state(request: messages.EpisodeRequest) -> Response:
        """How far an episode is."""
        _require_open(episodes, request.episode)
        found = episodes.find(request.episode)
        return _reply(
            messages.StateReply(
                task=found.task.number,
                steps=len(found.steps),
                status=found.status,
                outcome=found.outcome,
                init_status=found.init_status,
            )
        )

    @app.post("/close", response_model=messages.CloseReply)
    def close(request: messages.EpisodeRequest) -> Response:
        """End an episode."""
        was_open = request.episode in episodes.list_open()
        episodes.close(request.episode)
        return _reply(messages.CloseReply(closed=was_open))

    return app


def _reply(model: BaseModel) -> Response:
    """The reply as it is sent; what a handler returns otherwise takes a second turn in the pool, to be checked."""
    return Response(model.model_dump_json(), media_type="application/json")


def _guard(settings: ServerSettings) -> list[params.Depends]:
    # Asynchronous, since everything else takes its turn in a pool of threads.
    async def check(authorization: Annotated[str, Header()] = "") -> None:
        """Refuse callers without the token."""
        expected = f"Bearer {settings.token}".encode()
        if settings.token and not secrets.compare_digest(authorization.encode(), expected):
            raise HTTPException(401, "the token is missing or wrong")

    return [Depends(check)]


def _require_open(episodes: Episodes, episode: str) -> None:
    try:
        episodes.find(episode)
    except EpisodeError as error:
        raise HTTPException(404, str(error)) from None


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
        episodes.close_all()

    return live


def _reap(episodes: Episodes, idle_seconds: float, ended: threading.Event) -> None:
    while not ended.wait(REAPER_SECONDS):
        episodes.close_idle(idle_seconds)
