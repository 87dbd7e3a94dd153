"""A training that resumes: the learning rate of its first step is held against the schedule.

The engine resumes without a word where it cannot read an optimizer's state: with a new optimizer, and with the learning
rate of the first step of all.
"""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class CheckSchedule(TrainerCallback):
    """Raises where a training would go on at another learning rate than its schedule has at this step."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The checkpoint is loaded, and no step is done."""
        schedule = getattr(kwargs["lr_scheduler"], "scheduler", kwargs["lr_scheduler"])
        if state.global_step:
            check_rate(schedule, state.global_step, skips=args.fp16)


def check_rate(schedule: Any, step: int, *, skips: bool) -> None:
    """Raise if the schedule does not stand at this step; with `skips`, some steps did not count for it."""
    if not hasattr(schedule, "lr_lambdas") or (skips and schedule.last_epoch > 0):
        return
    found, wanted = schedule.get_last_lr()[0], schedule.base_lrs[0] * schedule.lr_lambdas[0](step)
    if abs(found - wanted) > 1e-6 * schedule.base_lrs[0]:
        raise ValueError(
            f"resumed at step {step} with the learning rate {found:.3g}, where the schedule has {wanted:.3g}: the "
            "checkpoint's optimizer was not read"
        )
