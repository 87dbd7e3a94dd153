"""The records of a step stay what the recipe says, whatever the number of processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.errors import UserError
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.recipe.batches import Batch, count_repeats, divide, divide_batch
from recipebook.recipe.resolve import resolve


@pytest.mark.parametrize(
    ("processes", "records", "batch"),
    [
        (1, 8, Batch(4, 2, 1)),
        (2, 8, Batch(4, 1, 2)),
        (4, 8, Batch(2, 1, 4)),
        (8, 8, Batch(1, 1, 8)),
        (1, 32, Batch(4, 8, 1)),
        (2, 32, Batch(4, 4, 2)),
        (4, 32, Batch(4, 2, 4)),
        (8, 32, Batch(4, 1, 8)),
    ],
)
def test_robot_lora_learns_from_as_many_records_a_step_on_any_number_of_gpus(
    processes: int, records: int, batch: Batch
) -> None:
    settings = [f"launch.processes={processes}", f"training.global_batch={records}"]
    recipe = resolve("robot-lora", "multi-gpu", settings).recipe
    assert divide_batch(recipe.training, processes) == batch
    rendered = render_axolotl(recipe, Inputs("train.jsonl", None, "prepared"), gpu=True)
    assert f"micro_batch_size: {batch.rows}\ngradient_accumulation_steps: {batch.times}\n" in rendered


@pytest.mark.parametrize(
    ("recipe", "settings", "fault"),
    [
        (
            "robot-lora",
            ["training.global_batch=30", "launch.processes=8"],
            "30 records do not divide among 8 processes; the nearest that do: 24, 32",
        ),
        (
            "robot-lora",
            ["training.global_batch=3", "launch.processes=8"],
            "3 records do not divide among 8 processes; the nearest that do: 8",
        ),
        (
            "preference-kto",
            ["training.global_batch=8", "launch.processes=8"],
            "leaves one row at a time, and kto compares the answers of a batch; 16 or more",
        ),
        ("robot-lora", ["training.packing=true"], "global_batch counts records, and packing: true puts as many"),
    ],
)
def test_records_that_cannot_be_shared_are_refused(recipe: str, settings: list[str], fault: str) -> None:
    with pytest.raises(UserError) as refused:
        resolve(recipe, "multi-gpu", settings)
    assert fault in str(refused.value)


@given(st.integers(1, 64), st.integers(1, 64), st.integers(1, 16))
def test_no_record_is_left_over_and_no_process_takes_more_than_it_may(share: int, most: int, processes: int) -> None:
    batch = divide(share * processes, most, 1, processes)
    assert batch.records == share * processes
    assert batch.rows <= most


def test_without_global_batch_each_process_has_the_batch_of_the_recipe() -> None:
    assert divide(None, 4, 2, 2) == Batch(rows=4, times=2, processes=2)


@pytest.mark.parametrize(
    ("rows", "batch", "repeats"),
    [
        # accelerate's BatchSamplerShard, run on these: 1,632 rows on 8 processes, 15 of them twice.
        (1617, Batch(4, 1, 8), 15),
        (1617, Batch(4, 1, 2), 7),
        (1617, Batch(1, 4, 8), 7),
        (1617, Batch(4, 2, 1), 0),
        (128, Batch(8, 1, 2), 0),
    ],
)
def test_rows_that_do_not_divide_come_twice(rows: int, batch: Batch, repeats: int) -> None:
    assert count_repeats(rows, batch) == repeats
