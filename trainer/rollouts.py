"""Collections of episodes for TRL's GRPO trainer: `trl.rollout_func: trainer.rollouts.rollout` and its reward function.

    rollout(["shell_tasks.json#12"] * 8 + ["shell_tasks.json#40"] * 8, trainer)
    → {"prompt_ids": [[1, 52, …], …], "completion_ids": [[40, 9, 2, 7, …], …], "logprobs": None,
       "env_mask": [[1, 1, 1, 0, …], …], "value": [1.0, -0.5, None, …]}

A group whose episodes all have one reward teaches nothing. Other tasks are drawn in its place; if they have one reward
too, the mask of its tokens is 0 throughout, so that it adds nothing to any term of the loss. TRL takes a reward of None
for an episode that cannot be scored.
"""

import random
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import torch
from accelerate.utils import gather_object
from pydantic import BaseModel, ConfigDict

from recipebook.playing.merging import merged
from recipebook.playing.play import Played, play
from recipebook.recipe.evaluation_keys import Generation
from recipebook.shell.address import open_episodes
from recipebook.shell.client import RemoteEpisodes
from recipebook.shell.contract import BaseName
from recipebook.shell.tasks import Task
from trainer.collected import Collected, Collections
from trainer.divergence import StartingPolicy

Values = list[float | None]
# Seeds of steps, processes and draws fall apart.
PRIME = 7919


class EpisodeKeys(BaseModel):
    """What `axolotl.yaml` says of episodes, under `episodes`; trainer/reinforcement.py sets it before training."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collections: int
    rounds: int
    seconds: float
    base: BaseName | None = None
    answer_tokens: int
    redraws: int
    least_success: float
    control: str
    correct: float
    incorrect: float
    unset: float
    seed: int

    def value(self, episode: Played, lot: random.Random) -> float | None:
        """An episode's reward; None where the environment failed. Under the control `random`, it is drawn by lot."""
        if episode.outcome == "unknown":
            return None
        if self.control == "random":
            return lot.choice([self.correct, self.incorrect])
        return {"correct": self.correct, "incorrect": self.incorrect}.get(episode.outcome, self.unset)


class Player:
    """Plays the collections of one training."""

    def __init__(self, keys: EpisodeKeys, collections: Collections) -> None:
        self.keys = keys
        self.collections = collections
        self.tasks: dict[str, Task] = {}
        self.start: StartingPolicy | None = None
        self._opened = ExitStack()

    @cached_property
    def episodes(self) -> RemoteEpisodes:
        """The server's episodes; one that this process started ends with it."""
        return self._opened.enter_context(open_episodes(self.keys.rounds, self.keys.seconds, self.keys.base))

    def collect(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """The episodes of one collection, as TRL takes them."""
        if not self.tasks:
            rows = trainer.train_dataset
            self.tasks = {row["prompt"]: Task.model_validate_json(row["task"]) for row in rows}
        group = trainer.num_generations
        seed = self.keys.seed + trainer.state.global_step + PRIME * trainer.accelerator.process_index
        lot = random.Random(seed)
        played = self._play([self.tasks[name] for name in prompts], trainer, seed, group, lot)
        groups = [*played]
        for draw in range(1, self.keys.redraws + 1):
            dull = [at for at, one in enumerate(groups) if not one.differs]
            if not dull:
                break
            drawn = lot.sample(sorted(self.tasks), min(len(dull), len(self.tasks)))
            tasks = [self.tasks[name] for name in drawn for _ in range(group)]
            new = self._play(tasks, trainer, seed + draw * PRIME**2, group, lot)
            groups = [*(one for one in groups if one.differs), *new, *[groups[at] for at in dull[len(new) :]]]
        # Every rank plays its own groups; the first counts them all.
        all_played, learned = gather_object(played), gather_object(groups)
        if trainer.is_world_process_zero():
            kl = self._measure_divergence(played, trainer)
            self.collections.add(all_played, learned, trainer.state.global_step, trainer.model.save_pretrained, kl)
        return join(groups)

    def _measure_divergence(self, played: Sequence[Collected], trainer: Any) -> float | None:
        if self.start is None:
            return None
        model, batch = trainer.accelerator.unwrap_model(trainer.model), trainer.args.per_device_train_batch_size
        episodes = [one for group in played for one in group.episodes]
        return self.start.measure(model, episodes, trainer.args.temperature, batch)

    def _play(self, tasks: Sequence[Task], trainer: Any, seed: int, group: int, lot: random.Random) -> list[Collected]:
        settings = Generation(
            max_new_tokens=self.keys.answer_tokens, temperature=trainer.args.temperature, batch_size=len(tasks)
        )
        model = trainer.accelerator.unwrap_model(trainer.model)
        state = torch.get_rng_state()
        torch.manual_seed(seed)
        try:
            with merged(model) as plain:
                limit = trainer.args.max_completion_length
                played = play(plain, trainer.processing_class, tasks, self.episodes, settings, limit)
        finally:
            torch.set_rng_state(state)
        values = [self.keys.value(one, lot) for one in played]
        parts = range(0, len(tasks), group)
        return [Collected(played[at : at + group], values[at : at + group]) for at in parts]


def join(groups: Sequence[Collected]) -> dict[str, Any]:
    """Groups as TRL takes them; the tokens of a group that teaches nothing are masked."""
    episodes = [one for group in groups for one in group.episodes]
    return {
        "prompt_ids": [one.prompt_ids for one in episodes],
        "completion_ids": [one.ids for one in episodes],
        "logprobs": None,
        "env_mask": [[*one.own] if group.differs else [0] * len(one.own) for group in groups for one in group.episodes],
        "value": [value for group in groups for value in group.values],
    }


_player: list[Player] = []


def begin_with(player: Player) -> None:
    """Set the player of this process's training: TRL calls `rollout` by its name."""
    _player[:] = [player]


def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
    """Play the episodes of one collection; each prompt comes `num_generations` times in a row."""
    return _player[0].collect(prompts, trainer)


def reward(prompts: list[str], completions: list[str], value: Values, **columns: Any) -> Values:
    """The rewards that `rollout` found."""
    return value
