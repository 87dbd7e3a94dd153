"""The order of the rows in an epoch: the seed and the epoch decide it, and nothing else.

Without this, samplers that draw from torch's global generator (grouping by length, packing) order the second epoch by
whatever was drawn in the first, such as dropout; and accelerate 1.13 does not number the epoch of every sampler that
skips batches. A training that resumed after its first epoch then saw some rows twice, and others not at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_pt_utils import LengthGroupedSampler


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Let draws inside follow from the seed; afterwards torch's generator is as it was before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def count_steps_by_seed(seed: int) -> None:
    """Let Axolotl count the steps of packed rows in an order that the seed decides.

    It packs them in a random order for it, and two trainings of the same rows could differ in a step, and in the
    learning rate of every step with it.
    """
    from axolotl.utils.data import sft

    count = sft.calculate_total_num_steps

    def count_seeded(*given: Any, **named: Any) -> Any:
        with drawing_from(seed):
            return count(*given, **named)

    sft.calculate_total_num_steps = count_seeded


class SeededOrder(Sampler[int]):
    """The rows of another sampler, which draws them from a generator of this epoch."""

    def __init__(self, sampler: Sampler[int], seed: int) -> None:
        self.sampler = sampler
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Rows of an epoch."""
        return len(self.sampler)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        """The rows of the epoch, by their numbers."""
        with drawing_from(self.seed + self.epoch):
            if getattr(self.sampler, "generator", None):
                self.sampler.generator.manual_seed(self.seed + self.epoch)  # type: ignore[attr-defined]
            order = list(self.sampler)
        yield from order


class OrderRows(TrainerCallback):
    """Numbers the epochs of a trainer's samplers."""

    def __init__(self, trainer: Any, seed: int) -> None:
        self.seed = seed
        self.processes = trainer.args.world_size
        self.orders: list[SeededOrder] = []
        self.packings: list[Any] = []
        self.make = trainer._get_train_sampler
        trainer._get_train_sampler = self.make_seeded

    def make_seeded(self, *rows: Any) -> Any:
        """The sampler that the trainer would have, with its rows in the order of the epoch."""
        with drawing_from(self.seed):
            sampler = self.make(*rows)
        if isinstance(sampler, LengthGroupedSampler):
            # It sorts by length within some batches of one process; with more processes the order would be another.
            sampler.batch_size *= self.processes
        if sampler is None:
            return None
        order = SeededOrder(getattr(sampler, "sampler", sampler), self.seed)
        self.orders.append(order)
        if order.sampler is sampler:
            return order
        # Packing has a sampler of rows inside its sampler of batches.
        sampler.sampler = order
        self.packings.append(sampler)
        return sampler

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Before the epoch's rows are drawn; after a resume, the epoch that it resumes in."""
        for order in self.orders:
            order.epoch = int(state.epoch or 0)
        for packing in self.packings:
            packing.set_epoch(int(state.epoch or 0))
