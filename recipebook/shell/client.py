"""A server of shell tasks from the other end: the methods of `Episodes`, over HTTP.

    with RemoteEpisodes("http://127.0.0.1:8000") as episodes:
        episodes.reset(task, "17-0")
        episodes.step("17-0", 1, answer)
        episodes.evaluate("17-0")
        episodes.close("17-0")

A call whose reply was lost is repeated for `patience` seconds: steps are numbered and outcomes decided once, so none
counts twice. A server that was started again knows no episode of before. Then the episode begins anew there, and the
answers that it had are given again, so that the caller goes on where it was.
"""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError, on_one_line
from recipebook.shell import messages
from recipebook.shell.contract import BaseName
from recipebook.shell.dialogue import ROUNDS
from recipebook.shell.episodes import SECONDS, EpisodeError, Step
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task
from recipebook.shell.transport import CallError, HttpAnswer, open_transport

BUSY = 503
UNKNOWN, OUT_OF_TURN, FIRST_ERROR = 404, 409, 400
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0

Reply = TypeVar("Reply", bound=BaseModel)


class LostEpisodeError(EpisodeError):
    """The server has no such episode."""


class GivenAnswers(NamedTuple):
    """What it takes to play an open episode again up to where it is."""

    task: Task
    answers: list[str]


class RemoteEpisodes:
    """Episodes on a server; every method may be called from any thread."""

    def __init__(
        self,
        address: str,
        token: str | None = None,
        rounds: int = ROUNDS,
        seconds: float = SECONDS,
        patience: float = 60,
        base: BaseName | None = None,
        find_fault: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`find_fault` returns why the server has ended for good, once it has, so that nobody waits for it."""
        self.find_fault = find_fault
        self.address = address
        self.rounds = rounds
        self.seconds = seconds
        self.patience = patience
        self.base = base
        self._given: dict[str, GivenAnswers] = {}
        self._gone = False
        self._transport = open_transport(address, {"Authorization": f"Bearer {token}"} if token else {})

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections; episodes stay open."""
        self._transport.close()

    def ping(self) -> messages.PingReply:
        """How many tasks the server has, and how many episodes are open."""
        return self._ask("/api/ping", None, messages.PingReply)

    def reset(self, task: Task, episode: str) -> list[dict[str, str]]:
        """Begin an episode, or begin it anew; the messages before the agent's first answer."""
        request = messages.ResetRequest(
            task=task, episode=episode, rounds=self.rounds, seconds=self.seconds, base=self.base
        )
        begun = self._ask("/reset", request, messages.ResetReply).messages
        self._given[episode] = GivenAnswers(task, [])
        return begun

    def step(self, episode: str, number: int, text: str) -> Step:
        """Take step `number`, or return what it led to if it was taken before."""
        request = messages.StepRequest(episode=episode, number=number, text=text)
        reply = self._ask_restored(episode, "/step", request, messages.StepReply)
        if (given := self._given.get(episode)) and number == len(given.answers) + 1:
            given.answers.append(text)
        return Step(reply.observation, reply.done, reply.status)

    def evaluate(self, episode: str) -> Outcome:
        """The outcome by the task's check."""
        request = messages.EpisodeRequest(episode=episode)
        return self._ask_restored(episode, "/evaluate", request, messages.OutcomeReply).outcome

    def state(self, episode: str) -> messages.StateReply:
        """How far an episode is."""
        return self._ask("/state", messages.EpisodeRequest(episode=episode), messages.StateReply)

    def close(self, episode: str) -> None:
        """End an episode; nothing happens where there is none."""
        self._given.pop(episode, None)
        self._ask("/close", messages.EpisodeRequest(episode=episode), messages.CloseReply)

    def _ask_restored(self, episode: str, path: str, request: BaseModel, reply: type[Reply]) -> Reply:
        """Ask; where the server has lost an episode of this client, begin it anew and give its answers again."""
        try:
            return self._ask(path, request, reply)
        except LostEpisodeError:
            given = self._given.get(episode)
            if given is None:
                raise
        self.reset(given.task, episode)
        for number, text in enumerate(given.answers, 1):
            self.step(episode, number, text)
        return self._ask(path, request, reply)

    def _ask(self, path: str, request: BaseModel | None, reply: type[Reply]) -> Reply:
        # A server that one call has waited for in vain is not waited for again: there may be a hundred calls to come.
        until, pause = time.monotonic() + (0 if self._gone else self.patience), FIRST_PAUSE
        body = request.model_dump_json().encode() if request else b"{}"
        while True:
            try:
                answer = self._transport.post(path, body)
                fault = self._describe(answer) if answer.status == BUSY else None
            except CallError as error:
                answer, fault = None, f"{self.address}: {error}"
            if answer is not None and fault is None:
                self._gone = False
                return self._read(answer, reply)
            if ended := self.find_fault():
                raise UserError(ended)
            if time.monotonic() + pause > until:
                self._gone = True
                raise UserError(fault or self.address)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _read(self, answer: HttpAnswer, reply: type[Reply]) -> Reply:
        if answer.status == UNKNOWN:
            raise LostEpisodeError(self._describe(answer))
        if answer.status == OUT_OF_TURN:
            raise EpisodeError(self._describe(answer))
        if answer.status >= FIRST_ERROR:
            raise UserError(self._describe(answer))
        try:
            return reply.model_validate_json(answer.body)
        except ValidationError:
            raise UserError(f"{self.address}: no server of shell tasks answers there") from None

    def _describe(self, answer: HttpAnswer) -> str:
        try:
            detail = json.loads(answer.body)["detail"]
        except (ValueError, KeyError, TypeError):
            detail = f"status {answer.status}"
        return f"{self.address}: {on_one_line(str(detail))}"
