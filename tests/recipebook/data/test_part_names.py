"""Files whose names say that they are held out are told where others of the same source say train."""

import pytest

from recipebook.data.part_names import note_held_out


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["d/train-0.parquet", "d/test-0.parquet"], "d/test-0.parquet"),
        (["d/train/a.jsonl", "d/validation/a.jsonl", "d/test/a.jsonl"], "d/validation/a.jsonl"),
        (["d/x_train.jsonl", "d/x_dev.jsonl"], "d/x_dev.jsonl"),
        (["d/train-0.parquet", "d/train-1.parquet"], None),
        (["d/test-0.parquet", "d/test-1.parquet"], None),
        (["d/trains.jsonl", "d/contest.jsonl", "d/training-latest.jsonl"], None),
        ([], None),
    ],
)
def test_the_first_held_out_file_is_told(names: list[str], told: str | None) -> None:
    note = note_held_out(names)
    assert note is None if told is None else str(note).startswith(f"{told} is read as all others are, and split anew")
