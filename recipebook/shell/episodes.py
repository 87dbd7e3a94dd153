r"""Episodes: one agent on one task in a box of its own, from the first message to the outcome.

    episodes = Episodes()
    episodes.reset(task, "17-0")                                  →  [{"role": "system", …}, …]
    episodes.step("17-0", 1, "Act: bash\n```bash\nls /srv\n```")    →  Step("The output of the OS: …", False, "running")
    episodes.step("17-0", 2, "It is done.\n\nAct: finish")          →  Step("", True, "completed")
    episodes.evaluate("17-0")                                     →  "correct"
    episodes.close("17-0")

Steps are numbered from 1. A step that was already taken is not taken again: its stored answer comes back, so a caller
may repeat a call whose reply was lost. An episode whose box its own commands broke is incorrect; where the environment
itself failed, the outcome is unknown.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.shell.base import require_base
from recipebook.shell.box import BaseName, Box, BoxError, BoxSettings, open_box
from recipebook.shell.dialogue import ROUNDS, observe, open_dialogue, parse_action
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task

Status = Literal["running", "completed", "task_limit_reached", "agent_validation_failed", "task_environment_error"]
SECONDS = 20


class Step(NamedTuple):
    """What an answer led to: the next user turn, empty where there is none; whether the episode has ended; how."""

    observation: str
    done: bool
    status: Status


class Episode:
    """One episode; its lock lets only one call at a time work on it."""

    def __init__(self, task: Task, rounds: int, seconds: float) -> None:
        self.task = task
        self.rounds = rounds
        self.seconds = seconds
        self.lock = threading.Lock()
        self.messages = open_dialogue(task.instruction, rounds)
        self.box: Box | None = None
        self.steps: list[Step] = []
        self.status: Status = "running"
        self.broken = False
        self.closed = False
        self.init_status = 0
        self.outcome: Outcome | None = None
        self.used = time.monotonic()

    def close(self) -> None:
        """End the box, and with it a command that runs there, so that nobody waits for the command's end."""
        self.closed = True
        if self.box:
            self.box.kill()
        with self.lock:
            if self.box:
                self.box.close()


class EpisodeError(UserError):
    """A call that an episode cannot have, such as a step out of turn."""


class NoEpisodeError(EpisodeError):
    """No such episode is open, or is open any more."""


class FullError(UserError):
    """No more episodes are taken now: as many are open as may be, or the server is ending."""


class Episodes:
    """All open episodes; every method may be called from any thread."""

    def __init__(
        self,
        settings: BoxSettings | None = None,
        rounds: int = ROUNDS,
        seconds: float = SECONDS,
        opener: Callable[[BoxSettings], Box] = open_box,
        most: int | None = None,
    ) -> None:
        self.settings = settings or BoxSettings()
        self.most = most
        self.rounds = rounds
        self.seconds = seconds
        self.opener = opener
        self._lock = threading.Lock()
        self._episodes: dict[str, Episode] = {}
        self._ending = False

    def reset(
        self,
        task: Task,
        episode: str,
        rounds: int | None = None,
        seconds: float | None = None,
        base: BaseName | None = None,
    ) -> list[dict[str, str]]:
        """Begin an episode, or begin it anew; the messages before the agent's first answer.

        `rounds`, `seconds` and `base` hold for this episode, in place of those for all. UserError if the base was
        not made, FullError if `most` episodes are open or after `end`.
        """
        settings = self.settings.model_copy(update={"base": base}) if base else self.settings
        require_base(settings.base)
        new = Episode(task, rounds or self.rounds, seconds or self.seconds)
        # Held before others can find the episode, so that none of them closes it before it has its box.
        with new.lock:
            self._enter(episode, new)
            try:
                self._prepare(new, settings)
            except UserError:
                self._leave(episode, new)
                raise
            self._require_open(episode, new)
            new.used = time.monotonic()
        return new.messages

    def step(self, episode: str, number: int, text: str) -> Step:
        """Take step `number` with the agent's answer, or return what it led to if it was taken before."""
        with self._using(episode) as current:
            if 1 <= number <= len(current.steps):
                return current.steps[number - 1]
            if number != len(current.steps) + 1:
                raise EpisodeError(
                    f"episode '{on_one_line(episode)}': step {number} cannot follow {len(current.steps)}"
                )
            if current.status != "running":
                return Step("", True, current.status)
            current.steps.append(self._act(current, text))
            return current.steps[-1]

    def evaluate(self, episode: str) -> Outcome:
        """The outcome by the task's check; the first call decides it."""
        with self._using(episode) as current:
            current.outcome = current.outcome or self._judge(current)
            return current.outcome

    def find(self, episode: str) -> Episode:
        """An open episode."""
        with self._lock:
            if found := self._episodes.get(episode):
                return found
        raise NoEpisodeError(f"no episode '{on_one_line(episode)}' is open")

    def close(self, episode: str) -> None:
        """End an episode and its box; nothing happens where there is none."""
        with self._lock:
            found = self._episodes.pop(episode, None)
        if found:
            found.close()

    def close_idle(self, seconds: float) -> list[str]:
        """Close the episodes that nobody has used for `seconds`; their names. One that is at work is in use."""
        before = time.monotonic() - seconds
        with self._lock:
            idle = [name for name, one in self._episodes.items() if one.used < before and not one.lock.locked()]
        for name in idle:
            self.close(name)
        return idle

    def end(self) -> None:
        """Take no more episodes, and close every open one; a command that runs is ended."""
        with self._lock:
            self._ending = True
        for name in self.list_open():
            self.close(name)

    def list_open(self) -> list[str]:
        """The names of all open episodes."""
        with self._lock:
            return list(self._episodes)

    def _enter(self, episode: str, new: Episode) -> None:
        """Open an episode under its name; one that had the name is closed."""
        with self._lock:
            if self._ending:
                raise FullError("the server is ending, and no more episodes are taken")
            old = self._episodes.get(episode)
            if not old and self.most is not None and len(self._episodes) >= self.most:
                raise FullError(f"{len(self._episodes)} episodes are open, and no more are taken: EPISODES= sets more")
            self._episodes[episode] = new
        if old:
            old.close()

    def _leave(self, episode: str, left: Episode) -> None:
        with self._lock:
            if self._episodes.get(episode) is left:
                del self._episodes[episode]

    def _prepare(self, new: Episode, settings: BoxSettings) -> None:
        """Give an episode its box, and the box what the task begins with."""
        try:
            new.box = self.opener(settings)
            result = None if new.closed else new.box.run(new.task.init, new.seconds)
        except BoxError:
            new.status = "task_environment_error"
            return
        if result:
            new.init_status = result.status
            if result.lost or result.timed_out:
                new.status = "task_environment_error"

    def _require_open(self, episode: str, current: Episode) -> None:
        """NoEpisodeError for an episode that was closed meanwhile, whatever its box then said."""
        if current.closed:
            raise NoEpisodeError(f"the episode '{on_one_line(episode)}' was closed")

    @contextmanager
    def _using(self, episode: str) -> Iterator[Episode]:
        current = self.find(episode)
        with current.lock:
            self._require_open(episode, current)
            current.used = time.monotonic()
            yield current
            self._require_open(episode, current)
            current.used = time.monotonic()

    def _act(self, current: Episode, text: str) -> Step:
        action = parse_action(text)
        current.messages.append({"role": "assistant", "content": text})
        if action.kind != "bash":
            return self._end(current, "completed" if action.kind == "finish" else "agent_validation_failed")
        assert current.box
        try:
            result = current.box.run(action.script, current.seconds)
        except BoxError:
            return self._end(current, "task_environment_error")
        ended_after = current.seconds if result.timed_out else None
        observation = observe(result.output, ended_after, result.cut, result.lost)
        current.broken = result.lost
        current.messages.append({"role": "user", "content": observation})
        if result.lost or len(current.steps) + 1 >= current.rounds:
            return self._end(current, "completed" if result.lost else "task_limit_reached", observation)
        return Step(observation, False, "running")

    def _end(self, current: Episode, status: Status, observation: str = "") -> Step:
        current.status = status
        return Step(observation, True, status)

    def _judge(self, current: Episode) -> Outcome:
        if current.status == "task_environment_error":
            return "unknown"
        if current.broken or current.status == "agent_validation_failed":
            return "incorrect"
        if current.task.check is None:
            return "unset"
        assert current.box
        try:
            result = current.box.judge(current.task.check, current.seconds)
        except BoxError:
            return "unknown"
        return "correct" if result.status == 0 and not (result.timed_out or result.lost) else "incorrect"
