"""Texts that a spreadsheet would run, and the apostrophe that stops it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from recipebook.frames.formulas import arm, disarm, is_formula


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("- first", "'- first"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("''+1", "'''+1"),
        ("'quoted'", "'quoted'"),
        ("1 = 1", "1 = 1"),
        ("robot.stop()", "robot.stop()"),
        ("", ""),
    ],
)
def test_a_formula_gets_an_apostrophe_and_no_other_text_does(text: str, cell: str) -> None:
    assert (disarm(text), arm(cell)) == (cell, text)


@given(some.text(some.sampled_from("='+-@\t\n\uff20ab"), max_size=5))
def test_every_text_is_found_again_and_no_cell_begins_as_a_formula(text: str) -> None:
    cell = disarm(text)
    assert arm(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\n", "\uff20"))
    assert is_formula(cell) == is_formula(text)
