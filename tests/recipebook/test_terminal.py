"""Labelled lines and tables, as they stand on the terminal."""

import pytest

from recipebook.terminal import align, format_field, print_field


def test_texts_of_all_labels_begin_in_the_same_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_field("found", "runs/x: same recipe, data and versions")
    print_field("", "the whole log: runs/x/train.log")
    assert capsys.readouterr().out == (
        "found     runs/x: same recipe, data and versions\n          the whole log: runs/x/train.log\n"
    )
    assert format_field("would run", "for the first time") == "would run for the first time"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    table = align([("run", "loss", ""), ("robot-lora", "0.0312", "good"), ("x", "1", "")])
    assert table == "run         loss\nrobot-lora  0.0312  good\nx           1"


def test_no_row_may_have_fewer_cells() -> None:
    with pytest.raises(ValueError, match="shorter"):
        align([("run", "loss"), ("x",)])
