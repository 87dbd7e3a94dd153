"""The section `rl` of a recipe: how an agent's own episodes become updates of its weights.

    rl: {collections: 10, episodes: 48, group: 8, epochs: 4, clip_low: 0.2, clip_high: 0.2, temperature: 0.7}

A collection of 48 episodes is 6 tasks, each tried 8 times; then come 4 passes over the episodes.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebook.recipe.section import Positive, Section, Share, measured_in

Reward = Annotated[float, measured_in("reward")]
# Seconds that the server of shell tasks gives to a command at most.
LONGEST_COMMAND = 3600


class Rewards(Section):
    """The worth of an episode by its outcome; an episode that the environment itself failed has no reward at all."""

    correct: Reward = Field(1.0, description="the reward of an episode whose check passes.")
    incorrect: Reward = Field(
        -0.5,
        description="the reward of an episode whose check fails, whose answer is no action, or that broke its own box.",
    )
    unset: Reward = Field(0.0, description="the reward of an episode whose task has no check.")

    @model_validator(mode="after")
    def _prefers_success(self) -> Self:
        if self.correct <= self.incorrect:
            raise ValueError(f"correct ({self.correct:g}) must be above incorrect ({self.incorrect:g})")
        return self


class Reinforcement(Section):
    """How episodes are collected and learned from; used by the method grpo."""

    collections: Annotated[Positive, measured_in("collections")] = Field(
        10, description="how often episodes are collected and learned from. Raise it while success still rises."
    )
    episodes: Annotated[Positive, measured_in("episodes")] = Field(
        48, description="episodes of a collection. Raise it when updates are noisy; collecting takes most of the time."
    )
    group: Annotated[int, Field(ge=2), measured_in("episodes")] = Field(
        8,
        description="episodes of one task; their mean reward is the baseline. Raise it when most groups have one "
        "outcome alone, and teach nothing.",
    )
    epochs: Annotated[Positive, measured_in("passes over a collection")] = Field(
        4, description="how often each episode is learned from. Lower it when the share of clipped tokens is high."
    )
    clip_low: Share = Field(
        0.2, description="how far below 1 a token's probability ratio may fall before its gradient is cut."
    )
    clip_high: Annotated[float, Field(gt=0), measured_in("share")] = Field(
        0.2, description="how far above 1 it may rise. Raise it, to 0.28, when entropy falls too fast."
    )
    entropy: Annotated[float, Field(ge=0), measured_in("factor")] = Field(
        0.0, description="weight of an entropy bonus. Try 0.01 when answers of a group become alike too early."
    )
    beta: Annotated[float, Field(ge=0), measured_in("factor")] = Field(
        0.0, description="price of leaving the model that training starts from. Try 0.02 when success collapses."
    )
    temperature: Annotated[float, Field(gt=0, le=2), measured_in("factor")] = Field(
        0.7, description="of sampling, and of the loss. Lower it when sampled success is far below greedy success."
    )
    scale: Literal["group", "batch", "none"] = Field(
        "group",
        description="what an episode's advantage is divided by: the deviation of its group's rewards, of the whole "
        "collection's, or nothing. Within a group of two outcomes, `group` cancels the size of the rewards.",
    )
    rewards: Rewards = Field(Rewards(), description="the worth of an episode by its outcome.")
    rounds: Annotated[Positive, measured_in("answers")] = Field(
        5, description="answers that an episode may have. Lower it to save time where tasks need one command."
    )
    seconds: Annotated[float, Field(gt=0, le=LONGEST_COMMAND), measured_in("seconds")] = Field(
        20, description="time that a command has before it is ended. Raise it for tasks with slow commands."
    )
    base: Literal["host", "debian"] | None = Field(
        None,
        description="whose programs boxes have: this machine's, or those of the Debian that make shell-base makes. "
        "If not given, the server of shell tasks decides, and this machine's own takes host.",
    )
    answer_tokens: Annotated[Positive, measured_in("tokens")] = Field(
        256, description="tokens of one answer. An answer that is cut here is no action, so the episode is incorrect."
    )
    redraws: Annotated[int, Field(ge=0), measured_in("draws")] = Field(
        1,
        description="how often other tasks are drawn in place of those whose group has one outcome alone. Raise it "
        "when few groups are learned from.",
    )
    least_success: Share = Field(
        0.05,
        description="share of episodes that must succeed: training is refused below it before the first step, and "
        "stops after two such collections in a row.",
    )
    control: Literal["none", "random"] = Field(
        "none",
        description="random: rewards are drawn by lot, whatever the outcome. Use it as the placebo that a gain must "
        "beat.",
    )

    def count_steps(self, batch: int) -> int:
        """The optimizer's steps that one collection has, of `batch` episodes each."""
        return self.episodes * self.epochs // batch

    @model_validator(mode="after")
    def _has_whole_groups(self) -> Self:
        if self.episodes % self.group:
            raise ValueError(f"episodes ({self.episodes}) must be a multiple of group ({self.group})")
        return self
