"""What a plan says of the evaluation to come."""

import pytest

from commands.plan import _print_evaluation
from recipebook.recipe.resolve import resolve


def test_a_slice_that_no_held_out_row_has_is_named_before_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    _print_evaluation(resolve("trait", "tiny").recipe)
    before = capsys.readouterr().out
    _print_evaluation(resolve("trait", "tiny", ["eval.slices=[mood]"]).recipe)
    line = "eval      make eval would refuse this: no test row has 'mood' in its meta to slice by; they have: "
    assert capsys.readouterr().out.startswith(f"{before}{line}")
