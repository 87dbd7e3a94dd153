"""What the server of shell tasks and its clients say to each other, each the JSON body of a POST.

/reset     {"task": 573, "episode": "573-0"}            →  {"episode": "573-0", "messages": [{"role": "system", …}, …]}
/step      {"episode": "573-0", "number": 1, "text": …}  →  {"observation": "The output …", "done": false, "status": …}
/evaluate  {"episode": "573-0"}                         →  {"outcome": "correct", "reward": 1.0}
/state     {"episode": "573-0"}                         →  {"task": 573, "steps": 1, "status": "running", …}
/close     {"episode": "573-0"}                         →  {"closed": true}
/api/ping  {}                                           →  {"tasks": 600, "episodes": 12}
"""

from typing import Annotated

from pydantic import Discriminator, Field, NonNegativeInt, PositiveInt, Tag

from recipebook.frozen import Frozen
from recipebook.shell.contract import BaseName
from recipebook.shell.episodes import Status
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task

Name = Annotated[str, Field(min_length=1, max_length=200)]
LONGEST_ANSWER = 1_000_000
LONGEST_COMMAND = 3600
# The names of this machine for itself.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ResetRequest(Frozen):
    """Begin an episode on a task: a whole task, or the number of one in the server's file."""

    task: Annotated[
        Annotated[int, Tag("number")] | Annotated[Task, Tag("fields")],
        # So that a refusal is about what was sent.
        Discriminator(lambda value: "fields" if isinstance(value, dict | Task) else "number"),
    ]
    episode: Name
    rounds: PositiveInt | None = None
    """Answers that the episode may have; five if it is left out."""
    seconds: Annotated[float, Field(gt=0, le=LONGEST_COMMAND)] | None = None
    """Time that a command has; twenty seconds if it is left out."""
    base: BaseName | None = None
    """Whose programs the box has; the server's choice if it is left out."""


class ResetReply(Frozen):
    """The messages before the agent's first answer."""

    episode: Name
    messages: list[dict[str, str]]


class StepRequest(Frozen):
    """The agent's answer; steps are numbered from 1, and a repeated one gets its stored reply."""

    episode: Name
    number: PositiveInt
    text: str = Field(max_length=LONGEST_ANSWER)


class StepReply(Frozen):
    """The next user turn; none where the episode has ended."""

    observation: str
    done: bool
    status: Status


class EpisodeRequest(Frozen):
    """A call about an episode."""

    episode: Name


class OutcomeReply(Frozen):
    """How the task's check decided; no reward where the environment itself failed."""

    outcome: Outcome
    reward: float | None


class StateReply(Frozen):
    """How far an episode is. `init_status` is the exit status of the script that prepared the task."""

    task: int
    steps: NonNegativeInt
    status: Status
    outcome: Outcome | None
    init_status: int


class CloseReply(Frozen):
    """Whether the episode was open."""

    closed: bool


class PingReply(Frozen):
    """How many tasks the server has, and how many episodes are open."""

    tasks: int
    episodes: int
