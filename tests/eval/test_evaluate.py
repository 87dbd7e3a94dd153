"""An evaluation's folder tells what was asked, and what cannot be asked is told before any model is loaded."""

from pathlib import Path

import pytest

from eval.evaluate import _choose_folder, evaluate
from recipebook import rundir
from recipebook.errors import UserError
from recipebook.recipe import Evaluation
from recipebook.rundir import Run


@pytest.mark.parametrize(
    ("part", "checkpoint", "folder"),
    [
        ("test", None, "eval"),
        ("test", 500, "eval/checkpoint-500"),
        ("validation", None, "eval/validation"),
        ("validation", 500, "eval/validation/checkpoint-500"),
    ],
)
def test_parts_and_checkpoints_have_folders_of_their_own(part: str, checkpoint: int | None, folder: str) -> None:
    settings = Evaluation.model_validate({"part": part})
    assert _choose_folder(Run(Path("runs/x")), settings, checkpoint) == Path("runs/x") / folder


def test_an_unknown_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rundir, "RUNS", tmp_path)
    with pytest.raises(UserError, match="nosuch"):
        evaluate("nosuch", [])
