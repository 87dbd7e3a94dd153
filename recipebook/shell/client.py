"""A server of shell tasks from the other end: the methods of `Episodes`, over HTTP.

    with RemoteEpisodes("http://127.0.0.1:8000") as episodes:
        episodes.reset(task, "17-0")
        episodes.step("17-0", 1, answer)
        episodes.evaluate("17-0")
        episodes.close("17-0")

A call whose reply was lost is repeated for `patience` seconds: steps are numbered and outcomes decided once, so none
counts twice. A server that was started again knows no episode of before, and says so.
"""

import time
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError, on_one_line
from recipebook.shell import messages
from recipebook.shell.episodes import EpisodeError, Step
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task

BUSY = 503
UNKNOWN, OUT_OF_TURN = 404, 409
# A reset has twenty seconds for the box and twenty for the task's script.
TIMEOUT = httpx.Timeout(10, read=60)
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

Reply = TypeVar("Reply", bound=BaseModel)


class RemoteEpisodes:
    """Episodes on a server; every method may be called from any thread."""

    def __init__(self, address: str, token: str | None = None, patience: float = 60) -> None:
        self.address = address
        self.patience = patience
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections; episodes stay open."""
        self._client.close()

    def ping(self) -> messages.PingReply:
        """How many tasks the server has, and how many episodes are open."""
        return self._ask("/api/ping", None, messages.PingReply)

    def reset(self, task: Task, episode: str) -> list[dict[str, str]]:
        """Begin an episode, or begin it anew; the messages before the agent's first answer."""
        request = messages.ResetRequest(task=task.number, episode=episode)
        return self._ask("/reset", request, messages.ResetReply).messages

    def step(self, episode: str, number: int, text: str) -> Step:
        """Take step `number`, or return what it led to if it was taken before."""
        request = messages.StepRequest(episode=episode, number=number, text=text)
        reply = self._ask("/step", request, messages.StepReply)
        return Step(reply.observation, reply.done, reply.status)

    def evaluate(self, episode: str) -> Outcome:
        """The outcome by the task's check."""
        request = messages.EpisodeRequest(episode=episode)
        return self._ask("/evaluate", request, messages.OutcomeReply).outcome

    def state(self, episode: str) -> messages.StateReply:
        """How far an episode is."""
        return self._ask("/state", messages.EpisodeRequest(episode=episode), messages.StateReply)

    def close(self, episode: str) -> None:
        """End an episode; nothing happens where there is none."""
        self._ask("/close", messages.EpisodeRequest(episode=episode), messages.CloseReply)

    def _ask(self, path: str, request: BaseModel | None, reply: type[Reply]) -> Reply:
        until, pause = time.monotonic() + self.patience, FIRST_PAUSE
        while True:
            try:
                answer = self._client.post(path, json=request.model_dump() if request else {})
                fault = self._describe(answer) if answer.status_code == BUSY else None
            except httpx.TransportError as error:
                answer, fault = None, f"{self.address}: {on_one_line(str(error))}"
            if answer is not None and fault is None:
                return self._read(answer, reply)
            if time.monotonic() + pause > until:
                raise UserError(fault or self.address)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _read(self, answer: httpx.Response, reply: type[Reply]) -> Reply:
        if answer.status_code in (UNKNOWN, OUT_OF_TURN):
            raise EpisodeError(self._describe(answer))
        if answer.is_error:
            raise UserError(self._describe(answer))
        try:
            return reply.model_validate_json(answer.content)
        except ValidationError:
            raise UserError(f"{self.address}: no server of shell tasks answers there") from None

    def _describe(self, answer: httpx.Response) -> str:
        try:
            detail = answer.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"status {answer.status_code}"
        return f"{self.address}: {on_one_line(str(detail))}"
