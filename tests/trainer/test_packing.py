"""Packs of so many records: what each process gets of an epoch; literal values by hand."""

from typing import Any

import pytest
from accelerate.data_loader import BatchSamplerShard
from torch.utils.data import BatchSampler, SequentialSampler

from trainer.packing import RecordPacks


def test_a_pack_has_the_records_of_a_batch_in_the_order_of_the_epoch() -> None:
    packs = RecordPacks(SequentialSampler(range(5)), rows=2, processes=1)
    assert list(packs) == [[[0, 1]], [[2, 3]], [[4]]]
    assert len(packs) == 3


def test_processes_take_as_many_packs_each_and_the_first_rows_come_twice() -> None:
    packs = RecordPacks(SequentialSampler(range(5)), rows=2, processes=2)
    assert list(packs) == [[[0, 1]], [[2, 3]], [[4, 0]], [[1, 2]]]
    assert len(packs) == 4


@pytest.mark.parametrize(("rows", "records", "processes"), [(2, 5, 2), (4, 17, 8), (1, 3, 8), (3, 9, 3)])
def test_a_process_gets_the_rows_that_it_would_get_without_packing(rows: int, records: int, processes: int) -> None:
    def share(sampler: BatchSampler, place: int, *, even: bool) -> list[Any]:
        return list(BatchSamplerShard(sampler, processes, place, even_batches=even))

    for place in range(processes):
        plain = BatchSampler(SequentialSampler(range(records)), rows, drop_last=False)
        packed = RecordPacks(SequentialSampler(range(records)), rows, processes)
        assert [pack for (pack,) in share(packed, place, even=False)] == share(plain, place, even=True)
