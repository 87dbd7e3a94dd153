"""Why a recipe has no result, and its line in the terminal."""

from pathlib import Path

import pytest

from eval.results.measuring import find_reason, format_outcome, measure_recipes
from eval.results.records import Failure
from recipebook.errors import UserError


@pytest.mark.parametrize(
    ("log", "status", "reason"),
    [
        ("run       runs/x\nfailed    the saved weights are not finite\n          the whole log: x\n", 1,
         "the saved weights are not finite"),
        ("failed    a: killed; it is tried again\nfailed    a: killed  [1/3]\nmember  status\n", 1, "a: killed  [1/3]"),
        ("a  exact: 1.000\nb  not evaluated: b has no test rows\n", 1, "b  not evaluated: b has no test rows"),
        ("Traceback:\n  x\nValueError: 3\n", 1, "ValueError: 3"),
        ("samples/none.json: cannot be read\n", 2, "samples/none.json: cannot be read"),
        ("run       runs/x\n", -9, "it was killed by signal 9"),
    ],
)  # fmt: skip
def test_the_reason_is_the_line_that_says_what_failed(tmp_path: Path, log: str, status: int, reason: str) -> None:
    path = tmp_path / "log"
    path.write_text(log)
    assert find_reason(path, status) == reason


def test_a_failure_is_one_line() -> None:
    assert format_outcome(Failure(recipe="traits", date="2026-11-29", reason="no disk")) == "failed: no disk"


def test_a_wrong_recipe_or_profile_is_refused_before_anything_trains() -> None:
    with pytest.raises(UserError, match="no recipe 'robot-lra' that has metrics; did you mean 'robot-lora'"):
        measure_recipes("robot-lra", "tiny")
    with pytest.raises(UserError, match="no profile 'tinny'"):
        measure_recipes(None, "tinny")
