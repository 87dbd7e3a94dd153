r"""Prompts with a shell task in; what came of the model's episodes on them, in boxes, out.

    play_tasks(model, tokenizer, prompts, PlayOptions(rounds=3, …), Generation(max_new_tokens=64), "tuned")
    → [ModelAnswer(text="I delete it.\n\nAct: bash\n…\n\n> The output of the OS is empty.\n\nIt is done. …",
                   new_tokens=31, truncated=False, measures={"correct": 1.0, "rounds": 2.0, "invalid": 0.0}), …]

An episode that the environment itself failed has no `correct`.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Protocol

import torch

from eval.asking.answers import Measures, ModelAnswer
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.playing.merging import merged
from recipebook.playing.play import Played, play
from recipebook.progress import ProgressLine
from recipebook.recipe.evaluation_keys import Generation
from recipebook.shell.address import open_episodes
from recipebook.shell.contract import BaseName
from recipebook.shell.tasks import Task

INVALID = "agent_validation_failed"


class PlayOptions(Protocol):
    """What a metric that plays says of its episodes."""

    @property
    def rounds(self) -> int:
        """Answers that an episode may have."""

    @property
    def seconds(self) -> float:
        """Time that a command has."""

    @property
    def base(self) -> BaseName | None:
        """Whose programs a box has."""

    @property
    def max_length(self) -> int:
        """Tokens of an episode."""


def play_tasks(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], options: PlayOptions, settings: Generation, label: str
) -> list[ModelAnswer]:
    """One episode a prompt, in order, by the model as it is."""
    tasks = [_read_task(prompt) for prompt in prompts]
    line = ProgressLine(label)
    torch.manual_seed(settings.seed)
    found: list[ModelAnswer] = []
    base, apart = options.base, settings.adapter == "apart"
    with open_episodes(options.rounds, options.seconds, base) as episodes, merged(model, apart=apart) as plain:
        for start in range(0, len(tasks), settings.batch_size):
            line.draw(start, len(tasks))
            part = tasks[start : start + settings.batch_size]
            found += map(_describe, play(plain, tokenizer, part, episodes, settings, options.max_length))
    line.clear()
    return found


def format_transcript(answers: Sequence[str], outputs: Sequence[str]) -> str:
    """An episode as people read it: each answer, and behind `>` what the box printed."""
    turns = zip_longest(answers, outputs, fillvalue="")
    quoted = [(answer, "\n".join(f"> {line}" for line in output.splitlines())) for answer, output in turns]
    return "\n\n".join(text for pair in quoted for text in pair if text)


def _read_task(prompt: Prompt) -> Task:
    if "task" not in prompt.meta:
        raise UserError(
            f"{prompt.id} is no shell task: its meta has no 'task'; the converter shell_tasks makes such rows"
        )
    return Task.model_validate_json(prompt.meta["task"])


def _describe(one: Played) -> ModelAnswer:
    measures: Measures = {"rounds": float(one.rounds), "invalid": float(one.status == INVALID)}
    if one.outcome != "unknown":
        measures["correct"] = float(one.outcome == "correct")
    return ModelAnswer(format_transcript(one.answers, one.outputs), sum(one.own), one.cut, measures)
