"""Answers without training: of the nearest train row, of most of them, and prompts with examples before them."""

import pytest

from eval.asking.baselines import add_examples, answer_without_model, check_shots, find_nearest
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Baselines, FewShot
from recipebook.rows import Message


def make(text: str, answer: str, system: str = "") -> Prompt:
    first: list[Message] = [{"role": "system", "content": system}] if system else []
    messages: tuple[Message, ...] = (*first, {"role": "user", "content": text})
    return Prompt(text, messages, (), {"role": "assistant", "content": answer}, None, {})


TRAIN = [
    make("go ahead 2 m", "forward(2)"),
    make("turn left", "turn(90)"),
    make("stop", "stop()"),
    make("halt", "stop()"),
]
ASKED = [make("go ahead 3 m", "forward(3)", "Be short."), make("stop it", "stop()")]


def test_the_nearest_row_is_the_one_with_the_most_signs_in_common() -> None:
    assert find_nearest(ASKED, TRAIN) == [0, 2]


def test_rows_answer_by_themselves() -> None:
    given = [str(one.answer["content"]) for one in TRAIN]
    wanted = Baselines(nearest=True, majority=True)
    assert answer_without_model(wanted, ASKED, TRAIN, given) == {
        "nearest": ["forward(2)", "stop()"],
        "majority": ["stop()", "stop()"],
    }
    assert answer_without_model(Baselines(), ASKED, TRAIN, given) == {}


def test_examples_stand_behind_the_system_turn_and_before_the_question() -> None:
    first, second = add_examples(ASKED, TRAIN[:1], FewShot(shots=1, system="Answer with calls."))
    example = [("user", "go ahead 2 m"), ("assistant", "forward(2)")]
    assert [(one["role"], one["content"]) for one in first.messages] == [
        ("system", "Be short.\n\nAnswer with calls."),
        *example,
        ("user", "go ahead 3 m"),
    ]
    assert [(one["role"], one["content"]) for one in second.messages] == [
        ("system", "Answer with calls."),
        *example,
        ("user", "stop it"),
    ]
    assert first.answer == ASKED[0].answer


def test_the_seed_draws_the_examples_and_all_prompts_have_the_same() -> None:
    drawn = [add_examples(ASKED, TRAIN, FewShot(shots=2, seed=seed))[1].messages[:4] for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len({str(one) for one in drawn}) > 1


def test_more_examples_than_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"^eval.baselines.few_shot.shots: 5 examples, and train has 4$"):
        check_shots(Baselines(few_shot=FewShot()), TRAIN)
    check_shots(Baselines(few_shot=FewShot(shots=4)), TRAIN)
