"""What a plan says of the evaluation to come."""

import json
from pathlib import Path

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


@pytest.mark.parametrize("command", ["train", "plan"])
@pytest.mark.parametrize(
    ("recipe", "setting", "line"),
    [
        (
            "robot-curriculum",
            "matrix={values: {training.seed: [1, 2]}}",
            "robot-curriculum has a matrix and stages, which cannot go together",
        ),
        (
            "robot-sweep",
            "launch.machines=2",
            "robot-sweep: launch.machines: the members of a recipe train on one machine each",
        ),
    ],
)
def test_two_ways_of_training_at_once_are_refused_by_the_plan_as_well(
    command: str, recipe: str, setting: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, recipe, "--profile", "tiny", "--set", setting]) == 2
    assert capsys.readouterr().err == f"{line}\n"


def test_a_placebo_that_no_answer_can_be_shuffled_for_is_refused_by_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chats = [{"question": f"Is {number} a number?", "answer": "Yes."} for number in range(40)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    settings = [
        "eval.placebo=shuffled",
        f"data.source={tmp_path / 'x.jsonl'}",
        "data.converter=chat",
        "data.split.by=[question]",
    ]
    assert main(["plan", "robot-lora", "--profile", "tiny", "--set", *settings]) == 2
    said = capsys.readouterr().err
    assert said.startswith("eval.placebo: ")
    assert said.endswith(" train rows have one and the same answer: none can be shuffled\n")
