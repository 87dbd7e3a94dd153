"""Rows that are near copies of train rows are marked, by prompts or by answers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.asking import near_copies
from eval.asking.near_copies import find_marks, mark_copies
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.run.rundir import Run


def write(path: Path, pairs: list[tuple[str, str]]) -> Path:
    """Train rows of one turn."""
    rows = [
        {
            "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}],
            "meta": {"origin": f"x#{number}"},
        }
        for number, (asked, answer) in enumerate(pairs)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def ask(text: str, answer: str) -> Prompt:
    return Prompt(text, ({"role": "user", "content": text},), (), {"role": "assistant", "content": answer}, None, {})


def test_prompts_that_differ_in_a_number_are_near(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [("go ahead 2 m", "forward(2)"), ("turn left", "turn(90)")])
    # 11 of 12 signs are the same, 92 %; of "stop at once" few are.
    prompts = [ask("go ahead 3 m", "forward(3)"), ask("stop at once", "stop()"), ask("Go ahead  3 m", "forward(3)")]
    assert find_marks(prompts, train, "last", "prompt") == ["near", "far", "near"]


def test_a_field_of_the_users_own_is_not_overwritten(tmp_path: Path) -> None:
    prompt = replace(ask("stop", "stop()"), id="a.json#1", meta={"copies": 3})
    with pytest.raises(UserError, match=r"^a\.json#1 has a field 'copies' in its meta, which marks near copies"):
        mark_copies(Run(tmp_path), [prompt], "last")


def test_where_a_prompt_is_a_condition_answers_are_compared(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", [("be wise", "it is well to wait and see")])
    prompts = [ask("be wise", "it is well to wait and saw"), ask("be wise", "no")]
    assert find_marks(prompts, train, "last", "answer") == ["near", "far"]
    assert find_marks(prompts, train, "last", "prompt") == ["near", "near"]
    assert find_marks(prompts, train, "last", "prompt and answer") == ["near", "far"]


def test_too_many_pairs_leave_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = write(tmp_path / "train.jsonl", [("a", "b"), ("c", "d")])
    monkeypatch.setattr(near_copies, "MOST_PAIRS", 1)
    assert find_marks([ask("a", "b")], train, "last", "prompt") == [""]
