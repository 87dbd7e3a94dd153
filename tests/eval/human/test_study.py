"""What a study draws: the same again from the same runs, one question a conversation, an own order for everyone."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.human.study import draw_study, read_keys
from eval.human.systems import Question
from recipebook.errors import UserError
from recipebook.run.rundir import Run

QUESTIONS = [
    Question(f"x.json#{number // 2}@{number % 2}", f"x.json#{number // 2}",
             ({"role": "user", "content": f"question {number}"},), {"base": "the", "tuned": f"answer {number}"})
    for number in range(60)
]  # fmt: skip
SYSTEMS = ("base", "tuned")


def test_everyone_is_asked_one_question_of_the_same_conversations_in_an_order_of_their_own() -> None:
    sheets = draw_study(QUESTIONS, SYSTEMS, ("robot",), 20, 3, 42).sheets
    asked = [[item.question for item in sheet] for sheet in sheets]
    assert [len(set(questions)) for questions in asked] == [20, 20, 20]
    assert len({item.conversation for item in sheets[0]}) == 20
    assert set(asked[0]) == set(asked[1]) == set(asked[2])
    assert asked[0] != asked[1] != asked[2]


def test_every_system_is_first_about_as_often_as_the_others() -> None:
    sheets = draw_study(QUESTIONS, SYSTEMS, ("robot",), 30, 10, 42).sheets
    first = Counter(item.systems[0] for sheet in sheets for item in sheet)
    # Of 300 fair draws, 120 to 180 is three and a half standard deviations.
    assert first.total() == 300
    assert 120 < first["base"] < 180
    assert {sheet[0].systems for sheet in sheets} == {("base", "tuned"), ("tuned", "base")}


def test_the_same_runs_and_seed_give_the_same_study_and_other_answers_another() -> None:
    key = draw_study(QUESTIONS, SYSTEMS, ("robot",), 20, 3, 42)
    assert draw_study(QUESTIONS, SYSTEMS, ("robot",), 20, 3, 42) == key
    assert draw_study(QUESTIONS, SYSTEMS, ("robot",), 20, 3, 43).study != key.study
    other = [QUESTIONS[0]._replace(answers={"base": "the", "tuned": "better"}), *QUESTIONS[1:]]
    drawn = draw_study(other, SYSTEMS, ("robot",), 20, 3, 42)
    # Who knows the seed and the code, but not all answers, cannot draw the orders again.
    assert (drawn.study != key.study, drawn.sheets != key.sheets) == (True, True)


def test_more_conversations_than_there_are_is_all_of_them() -> None:
    assert len(draw_study(QUESTIONS, SYSTEMS, ("robot",), 100, 1, 42).sheets[0]) == 30


def test_more_systems_than_letters_are_refused() -> None:
    with pytest.raises(UserError, match="9 systems; up to 8 are judged at once"):
        draw_study(QUESTIONS, tuple("abcdefghi"), ("robot",), 1, 1, 42)


def test_a_key_that_cannot_be_read_is_told(make_run: Callable[..., Run]) -> None:
    run = make_run(["right"])
    folder = run.folder / "human-eval" / "s1"
    folder.mkdir(parents=True)
    (folder / "key.json").write_text(json.dumps({"study": "s1", "seed": "x"}))
    with pytest.raises(UserError, match=r"human-eval/s1/key\.json: seed: Input should be a valid integer"):
        read_keys(run)
    assert read_keys(Run(Path("nowhere"))) == {}
