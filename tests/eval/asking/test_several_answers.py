"""Several answers to a row: one prompt for each variant and sample, and the row that they belong to."""

from pathlib import Path
from typing import Any

import pytest

from eval.asking.baselines import find_nearest
from eval.asking.prompts import Prompt
from eval.asking.several_answers import ask_repeatedly
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Evaluation, Generation

ANSWER: Any = {"role": "assistant", "content": "robot.stop()"}
STOP = Prompt("a#1", ({"role": "user", "content": "stop"},), (), ANSWER, None, {"kind": "safety"})
HOT = Generation(temperature=0.7, samples=2)


def write(folder: Path, text: str) -> str:
    path = folder / "variants.yaml"
    path.write_text(text)
    return str(path)


def test_a_row_with_one_answer_stays_as_it_is() -> None:
    assert ask_repeatedly([STOP], Evaluation(), "keep") == [STOP]


def test_each_sample_is_a_prompt_of_its_row() -> None:
    found = ask_repeatedly([STOP], Evaluation(generation=HOT), "keep")
    assert [(one.id, one.meta, one.messages, one.own) for one in found] == [
        ("a#1~1", {"kind": "safety", "sample": 1}, STOP.messages, STOP),
        ("a#1~2", {"kind": "safety", "sample": 2}, STOP.messages, STOP),
    ]


def test_each_variant_has_all_samples_and_the_row_stays_the_unit(tmp_path: Path) -> None:
    file = write(tmp_path, "plain: {}\npolite: {prompt: 'Please: {prompt}'}\n")
    found = ask_repeatedly([STOP], Evaluation(variants=file, generation=HOT), "keep")
    assert [(one.id, one.text) for one in found] == [
        ("a#1~plain~1", "stop"),
        ("a#1~plain~2", "stop"),
        ("a#1~polite~1", "Please: stop"),
        ("a#1~polite~2", "Please: stop"),
    ]
    assert {one.own.id for one in found} == {"a#1"}
    # The most similar train row is sought by the row's own words.
    train = [
        Prompt("t#1", ({"role": "user", "content": text},), (), ANSWER, None, {}) for text in ("stop", "Please: go")
    ]
    assert find_nearest(found, train) == [0, 0, 0, 0]


def test_a_system_text_takes_the_place_of_the_rows_own_and_follows_model_system(tmp_path: Path) -> None:
    file = write(tmp_path, "brief: {system: Be brief.}\n")
    turns: Any = ({"role": "system", "content": "Answer."}, *STOP.messages)
    row = Prompt("a#1", turns, (), ANSWER, None, {})
    (kept,) = ask_repeatedly([row], Evaluation(variants=file), "keep")
    assert kept.messages == ({"role": "system", "content": "Be brief."}, {"role": "user", "content": "stop"})
    (folded,) = ask_repeatedly([STOP], Evaluation(variants=file), "fold")
    assert folded.messages == ({"role": "user", "content": "Be brief.\n\nstop"},)
    with pytest.raises(UserError, match=r"brief: a system turn has no effect with model\.system: drop"):
        ask_repeatedly([STOP], Evaluation(variants=file), "drop")


def test_the_last_user_turn_is_rewritten_where_a_tool_has_answered_since(tmp_path: Path) -> None:
    file = write(tmp_path, "polite: {prompt: 'Please: {prompt}'}\n")
    turns: Any = (*STOP.messages, {"role": "assistant", "content": "call"}, {"role": "tool", "content": "done"})
    (found,) = ask_repeatedly([Prompt("a#1", turns, (), ANSWER, None, {})], Evaluation(variants=file), "keep")
    assert [message["content"] for message in found.messages] == ["Please: stop", "call", "done"]


def test_a_field_of_the_rows_own_is_not_overwritten() -> None:
    row = Prompt("a#1", STOP.messages, (), ANSWER, None, {"sample": "blood"})
    with pytest.raises(UserError, match="a#1 has a field 'sample' in its meta, which names the answer here: rename it"):
        ask_repeatedly([row], Evaluation(generation=HOT), "keep")


def test_several_samples_at_temperature_0_are_refused() -> None:
    with pytest.raises(ValueError, match="samples: 3 answers at temperature 0 are all the same; set a temperature"):
        Generation(samples=3)
