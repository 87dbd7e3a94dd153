"""Prompts: what is asked of a held-out row, by the turns that the recipe names."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.asking.prompts import Prompt, read_prompts

DIALOGUE = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b"},
    {"role": "user", "content": "c"},
    {"role": "assistant", "content": "d"},
    {"role": "user", "content": "e"},
    {"role": "assistant", "content": "f"},
]


def write_rows(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "test.jsonl"
    path.write_text("".join(json.dumps({**row, "meta": {"origin": "x#1"}}) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("turns", "asked"),
    [
        ("last", [("x#1", 6, "f", None)]),
        ("all", [("x#1@1", 2, "b", 1), ("x#1@2", 4, "d", 2), ("x#1@3", 6, "f", 3)]),
        ("skip_first_2", [("x#1@3", 6, "f", 3)]),
        ("skip_first_3", []),
    ],
)
def test_turns_decide_what_is_asked(tmp_path: Path, turns: str, asked: list[Any]) -> None:
    prompts = read_prompts(write_rows(tmp_path, {"messages": DIALOGUE}), None, turns)
    assert [(each.id, len(each.messages), each.answer["content"], each.meta.get("turn")) for each in prompts] == asked


def test_what_is_said_after_the_last_answer_is_not_asked(tmp_path: Path) -> None:
    path = write_rows(tmp_path, {"messages": [*DIALOGUE, {"role": "user", "content": "thanks"}]})
    assert [each.answer["content"] for each in read_prompts(path, None)] == ["f"]


def test_a_pair_is_one_prompt_with_two_answers(tmp_path: Path) -> None:
    chosen, rejected = {"role": "assistant", "content": "yes"}, {"role": "assistant", "content": "no"}
    path = write_rows(tmp_path, {"messages": DIALOGUE[:2], "chosen": chosen, "rejected": rejected})
    assert read_prompts(path, None) == [
        Prompt("x#1", tuple(DIALOGUE[:2]), (), chosen, rejected, {"origin": "x#1"})  # type: ignore[arg-type]
    ]


def test_rows_of_one_record_are_numbered_and_limited(tmp_path: Path) -> None:
    path = write_rows(tmp_path, *({"messages": DIALOGUE},) * 3)
    assert [each.id for each in read_prompts(path, 2)] == ["x#1", "x#1/2"]
