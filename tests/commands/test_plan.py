"""What a plan says of the evaluation to come."""

import pytest

from commands import main
from commands.plan import print_evaluation
from recipebook.recipe.resolve import resolve


def test_a_slice_that_no_held_out_row_has_is_named_before_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    print_evaluation(resolve("trait", "tiny").recipe)
    before = capsys.readouterr().out
    print_evaluation(resolve("trait", "tiny", ["eval.slices=[mood]"]).recipe)
    line = "eval      make eval would refuse this: no test row has 'mood' in its meta to slice by; they have: "
    assert capsys.readouterr().out.startswith(f"{before}{line}")


@pytest.mark.parametrize("command", ["train", "plan", "find-lr"])
def test_a_key_without_an_effect_is_refused_by_each_command_that_trains(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "robot-lora", "--profile", "tiny", "--set", "preference.beta=0.3"]) == 2
    line = "SET: beta under preference has no effect with training.method: sft; it has with: dpo, ipo, kto, simpo\n"
    assert capsys.readouterr().err == line


def test_several_seeds_are_planned_as_the_one_system_that_they_are_evaluated_as(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "robot-lora", "--profile", "tiny", "--seeds", "3"]) == 0
    said = capsys.readouterr().out
    assert "fleet     3 members; of seed42:\n" in said
    assert "test rows and 3 seeds, differences under " in said
    assert "another seed changes the figure as much as other rows would" in said
