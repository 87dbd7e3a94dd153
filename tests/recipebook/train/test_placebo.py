"""Which recipes can have a placebo; the others are refused before anything is converted."""

import pytest

from commands import main


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ("robot-sweep", "single trainings and for several seeds of one, and this recipe has other members"),
        ("dial-dpo", "single trainings and for several seeds of one, and this recipe has stages"),
        ("preference-orpo", "training.method: sft, and this recipe has orpo"),
        ("trait", "metrics of answers, and 'likelihood' measures something else"),
    ],
)
@pytest.mark.parametrize("command", ["train", "plan"])
def test_a_recipe_that_cannot_have_a_placebo_is_refused(
    command: str, recipe: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, recipe, "--profile", "tiny", "--set", "eval.placebo=shuffled"]) == 2
    assert capsys.readouterr().err == f"{recipe}: eval.placebo is for {fault}\n"


def test_seeds_of_another_method_have_no_placebo(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "preference-orpo", "--profile", "tiny", "--seeds", "2", "--set", "eval.placebo=shuffled"]
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "preference-orpo: eval.placebo is for training.method: sft, and this recipe has orpo\n"
    )
