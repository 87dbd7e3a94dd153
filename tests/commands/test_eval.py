"""Which evaluation a name stands for: a fleet's, that of a run of stages, or one run's."""

import pytest

from commands import main
from commands.eval import EvaluationChoice, evaluate
from recipebook.errors import UserError


def test_an_unknown_run_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^no run 'nosuch' in runs/"):
        evaluate("nosuch", EvaluationChoice())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--margin", "0.02"], "MARGIN is for GATE=not-worse"),
        (["--gate", "better", "--margin", "0.02"], "MARGIN is for GATE=not-worse"),
        (["--gate", "not-worse"], "GATE=not-worse needs MARGIN=, what it may be worse by, such as MARGIN=0.02"),
    ],
)
def test_a_gate_and_its_margin_go_together(words: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "robot-lora", *words]) == 2
    assert capsys.readouterr().err == f"{line}\n"
