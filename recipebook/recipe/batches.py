"""The records of a step: the recipe's wish and the number of processes in, what each process takes at a time out.

divide_batch(Training(batch_size=4, global_batch=32), processes=2)      → Batch(rows=4, times=4, processes=2)
divide_batch(Training(batch_size=4, global_batch=8), processes=8)       → Batch(rows=1, times=1, processes=8)
divide_batch(Training(batch_size=4, gradient_accumulation=2), processes=2)      → Batch(rows=4, times=2, processes=2)
divide_batch(Training(batch_size=1, gradient_accumulation=4, max_length=512, packing="records"), processes=1)
                                                                        → Batch(rows=4, times=1, processes=1)
"""

from typing import NamedTuple

from recipebook.recipe.training_keys import Training


class Batch(NamedTuple):
    """What a step learns from: `times` times, each process takes `rows` rows."""

    rows: int
    times: int
    processes: int

    @property
    def records(self) -> int:
        """The records of a step, over all processes."""
        return self.rows * self.times * self.processes


def divide_batch(training: Training, processes: int) -> Batch:
    """The batch of each process."""
    at_once = count_at_once(training.packing, training.pack_length, training.max_length)
    return divide(training.global_batch, training.batch_size, training.gradient_accumulation, processes, at_once)


def count_at_once(packing: bool | str, pack_length: int, max_length: int) -> int:
    """Rows of at most `max_length` tokens that surely fit into a pack; 0 where a pack's rows are not counted.

    ("records", 2048, 512) → 4      (True, 2048, 512) → 0
    """
    return pack_length // max_length if packing == "records" else 0


def divide(records: int | None, most: int, times: int, processes: int, at_once: int = 0) -> Batch:
    """Each process's share of `records`, or `most` rows `times` where that is None, in equal pieces.

    A piece has at most `most` rows, or `at_once` where that is more.
    """
    share = most * times if records is None else records // processes
    rows = max(rows for rows in range(1, min(max(most, at_once), share) + 1) if share % rows == 0)
    return Batch(rows, share // rows, processes)


def count_repeats(rows: int, batch: Batch) -> int:
    """The number of rows that an epoch has twice, so that all processes take equally many; no row is left out.

    (1617, Batch(4, 1, 8)) → 15: the last 17 rows are filled up to 32.
    """
    return -rows % (batch.rows * batch.processes) if batch.processes > 1 else 0


def find_batch_fault(training: Training, processes: int) -> str | None:
    """Why the processes cannot share `global_batch`; None where they can.

    `training.global_batch: 30 records do not divide among 8 processes; the nearest that do: 24, 32`
    """
    wanted = training.global_batch
    if wanted is None:
        return None
    if wanted % processes:
        below = wanted - wanted % processes
        nearest = [str(number) for number in (below, below + processes) if number]
        return (
            f"training.global_batch: {wanted} records do not divide among {processes} processes; the nearest that do: "
            f"{', '.join(nearest)}"
        )
    if training.method == "kto" and divide_batch(training, processes).rows == 1:
        return (
            f"training.global_batch: {wanted} among {processes} processes leaves one row at a time, and kto compares "
            f"the answers of a batch; {2 * processes} or more"
        )
    return None
