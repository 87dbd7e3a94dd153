r"""A model and shell tasks in; an episode for each out, with the model's own tokens told from the box's.

    play(model, tokenizer, tasks, Episodes(), Generation(temperature=0.7), limit=512)
    → [Played(task=Task(…), prompt_ids=[1, 52, …], ids=[40, 9, 2, 7, …], own=[1, 1, 1, 0, …], outcome="correct",
              status="completed", rounds=2, answers=["I delete it.\n\nAct: bash\n…", …], outputs=["The output …"]), …]

All episodes go round by round: the model answers those that are open in one batch, then their boxes run at once. What
the box printed last stands in no `ids` if no answer follows it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, cast
from uuid import uuid4

from recipebook.playing.decode import decode
from recipebook.playing.dialogue_ids import find_end, find_turn, open_ids
from recipebook.recipe.evaluation_keys import Generation
from recipebook.rows import Message
from recipebook.shell.episodes import Step
from recipebook.shell.outcomes import Outcome
from recipebook.shell.tasks import Task

BOXES_AT_ONCE = 8
RUNNING = Step("", False, "running")


class OpenEpisodes(Protocol):
    """Episodes of this process or of a server."""

    rounds: int

    def reset(self, task: Task, episode: str) -> list[dict[str, str]]:
        """Begin an episode; the messages before the first answer."""

    def step(self, episode: str, number: int, text: str) -> Step:
        """Take a step."""

    def evaluate(self, episode: str) -> Outcome:
        """The outcome."""

    def close(self, episode: str) -> None:
        """End an episode."""


class Played(NamedTuple):
    """One episode. `ids` follow `prompt_ids`; `own` is 1 for each of them that the model wrote, and 0 for the box's."""

    task: Task
    prompt_ids: list[int]
    ids: list[int]
    own: list[int]
    outcome: Outcome
    status: str
    rounds: int
    answers: list[str]
    outputs: list[str]
    cut: bool = False
    """Whether the last answer was cut off at its limit, or had no room in the dialogue."""


@dataclass
class _Open:
    """An episode that is being played."""

    task: Task
    name: str
    prompt_ids: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    ended: bool = True
    step: Step = RUNNING
    outcome: Outcome = "unknown"

    def write(self, ids: Sequence[int], own: int) -> None:
        """Append tokens of the model or of the box."""
        self.ids += ids
        self.own += [own] * len(ids)


def play(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[Task],
    episodes: OpenEpisodes,
    settings: Generation,
    limit: int,
    watch: Callable[[int, int], None] = lambda round_, live: None,
) -> list[Played]:
    """One episode a task, in order; an episode whose dialogue nears `limit` tokens ends before its next answer.

    `watch` is called before each round with its number and the number of open episodes.
    """
    # Others may play on the same server.
    own = uuid4().hex[:12]
    opened = [_Open(task, f"{own}-{at}") for at, task in enumerate(tasks)]
    end = find_end(tokenizer)
    with ThreadPoolExecutor(BOXES_AT_ONCE) as pool:
        try:
            for one, messages in zip(
                opened, pool.map(lambda one: episodes.reset(one.task, one.name), opened), strict=True
            ):
                one.prompt_ids = open_ids(tokenizer, cast(list[Message], messages))
            live = opened
            for round_ in range(1, episodes.rounds + 1):
                room = limit - settings.max_new_tokens
                live = [one for one in live if not one.step.done and _hear(one, tokenizer, room)]
                if not live:
                    break
                watch(round_, len(live))
                _answer(model, tokenizer, live, settings, end)
                list(pool.map(lambda one: _act(one, episodes), live))
            list(pool.map(lambda one: _judge(one, episodes), opened))
        finally:
            list(pool.map(lambda one: episodes.close(one.name), opened))
    return [_finish(one) for one in opened]


def _hear(one: _Open, tokenizer: Any, room: int) -> bool:
    """Append what the box put out; False, and nothing, where that leaves no room for another answer."""
    turn = find_turn(tokenizer, one.outputs[-1]) if one.outputs else []
    if one.ids and len(one.prompt_ids) + len(one.ids) + len(turn) > room:
        return False
    one.write(turn, 0)
    return True


def _answer(model: Any, tokenizer: Any, live: Sequence[_Open], settings: Generation, end: int) -> None:
    """Let the model write the next answer of each, in batches of dialogues of like length."""
    order = sorted(live, key=lambda one: len(one.prompt_ids) + len(one.ids))
    for start in range(0, len(order), settings.batch_size):
        batch = order[start : start + settings.batch_size]
        answers = decode(model, [one.prompt_ids + one.ids for one in batch], {end}, settings)
        for one, answer in zip(batch, answers, strict=True):
            one.write([*answer.ids, *([end] if answer.ended else [])], 1)
            one.answers.append(str(tokenizer.decode(answer.ids, skip_special_tokens=True)).strip())
            one.ended = answer.ended


def _act(one: _Open, episodes: OpenEpisodes) -> None:
    """Run what the answer asks for; an answer that did not end is no action, and reads as an empty one."""
    one.step = episodes.step(one.name, len(one.answers), one.answers[-1] if one.ended else "")
    if one.step.observation:
        one.outputs.append(one.step.observation)


def _judge(one: _Open, episodes: OpenEpisodes) -> None:
    one.outcome = episodes.evaluate(one.name)


def _finish(one: _Open) -> Played:
    return Played(
        one.task, one.prompt_ids, one.ids, one.own, one.outcome, one.step.status, len(one.answers), one.answers,
        one.outputs, not (one.ended and one.step.done),
    )  # fmt: skip
