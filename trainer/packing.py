"""The Axolotl plugin that packs rows without changing a step: each pack has the rows that a padded batch would have.

    plugins: [trainer.packing.PackingPlugin]
    sample_packing: true
    micro_batch_size: 8

Axolotl's own packing fills rows of `sequence_len` tokens with as many records as fit, so that a step learns from a
number of records that the lengths decide. Here eight records, in the order of the epoch, stand one behind another as
one row. The rest is Axolotl's: its collator, position ids that start anew with each record, and attention that keeps
them apart. A step has the records, the tokens with loss, and so the loss that it has without packing.
"""

from collections.abc import Iterator
from typing import Any

from axolotl.integrations.base import BasePlugin
from torch.utils.data import BatchSampler, Sampler

# Tensor cores want multiples of eight; few lengths keep the allocator's memory in one piece.
MULTIPLE = 64


class PackingPlugin(BasePlugin):  # type: ignore[misc]
    """Puts its sampler in the place of Axolotl's, and counts steps as without packing."""

    def load_datasets(self, cfg: Any, preprocess: bool = False) -> None:
        """Before the steps are counted."""
        count_as_unpacked()

    def get_collator_cls_and_kwargs(self, cfg: Any, is_eval: bool = False) -> tuple[type, dict[str, Any]] | None:
        """Axolotl's own for packs; it would fill each up to a multiple of `sequence_len`."""
        from axolotl.utils.collators import V2BatchSamplerDataCollatorForSeq2Seq

        return None if is_eval else (V2BatchSamplerDataCollatorForSeq2Seq, {"pad_to_multiple_of": MULTIPLE})

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """The trainer asks for its sampler at the beginning of training."""

        def make(base_sampler: Sampler[int], dataset: Any) -> RecordPacks:
            return RecordPacks(base_sampler, cfg.micro_batch_size, trainer.args.world_size)

        trainer._create_multipack_sampler = make


class RecordPacks(BatchSampler):
    """The rows of another sampler, as packs of a given size; an epoch's last pack may have fewer.

    Several processes take packs in turn. For them the epoch is filled up with its first rows, as accelerate does with
    batches, so that each takes as many.
    """

    def __init__(self, sampler: Sampler[int], rows: int, processes: int) -> None:
        self.sampler = sampler
        self.rows = rows
        self.processes = processes

    def __len__(self) -> int:
        """Packs of an epoch, of all processes."""
        return -(-self._count() // self.rows)

    def __iter__(self) -> Iterator[list[list[int]]]:  # type: ignore[override]
        """Each pack is the only one of its batch."""
        order = list(self.sampler)
        whole = [order[at % len(order)] for at in range(self._count())]
        for start in range(0, len(whole), self.rows):
            yield [whole[start : start + self.rows]]

    def set_epoch(self, epoch: int) -> None:
        """Its sampler of rows is numbered by itself."""

    def _count(self) -> int:
        """Rows of an epoch, repeated ones included."""
        rows = len(self.sampler)  # type: ignore[arg-type]
        taken = self.rows * self.processes
        return rows if self.processes == 1 else -(-rows // taken) * taken


def count_as_unpacked() -> None:
    """Let Axolotl count steps by rows: it would pack them to see how many steps they take."""
    from axolotl.utils.data import sft

    count = sft.calculate_total_num_steps

    def count_rows(cfg: Any, *given: Any, **named: Any) -> Any:
        cfg.sample_packing = False
        try:
            return count(cfg, *given, **named)
        finally:
            cfg.sample_packing = True

    sft.calculate_total_num_steps = count_rows
