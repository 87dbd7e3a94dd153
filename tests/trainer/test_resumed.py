"""A training that resumes with a new optimizer is noticed by its learning rate."""

import pytest
import torch
from transformers import get_cosine_schedule_with_warmup

from trainer.resumed import check_rate


def make_schedule(steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """A schedule of eight steps, of which some are done."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    schedule: torch.optim.lr_scheduler.LambdaLR = get_cosine_schedule_with_warmup(optimizer, 1, 8)
    for _ in range(steps):
        optimizer.step()
        schedule.step()
    return schedule


def test_a_schedule_that_stands_where_the_training_stopped_is_right() -> None:
    check_rate(make_schedule(4), 4, skips=False)
    check_rate(make_schedule(3), 4, skips=True)


def test_a_schedule_that_begins_anew_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        check_rate(make_schedule(0), 4, skips=False)
    assert str(caught.value) == (
        "resumed at step 4 with the learning rate 0, where the schedule has 0.000183: the checkpoint's optimizer was "
        "not read"
    )
