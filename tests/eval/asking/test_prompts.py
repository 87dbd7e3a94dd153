"""Prompts: what is asked of a held-out row, by the turns that the recipe names."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.asking.prompts import Prompt, digest_prompts, draw_prompts, draw_records, read_prompts
from recipebook.errors import UserError

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
    prompts = read_prompts(write_rows(tmp_path, {"messages": DIALOGUE}), turns)
    assert [(each.id, len(each.messages), each.answer["content"], each.meta.get("turn")) for each in prompts] == asked


def test_what_is_said_after_the_last_answer_is_not_asked(tmp_path: Path) -> None:
    path = write_rows(tmp_path, {"messages": [*DIALOGUE, {"role": "user", "content": "thanks"}]})
    assert [each.answer["content"] for each in read_prompts(path)] == ["f"]


@pytest.mark.parametrize(("turns", "asked"), [("last", ["d"]), ("all", ["b", "d"])])
def test_a_turn_that_is_not_to_be_learned_is_not_asked(tmp_path: Path, turns: str, asked: list[str]) -> None:
    masked = [*DIALOGUE[:6], {**DIALOGUE[6], "train": False}]
    prompts = read_prompts(write_rows(tmp_path, {"messages": masked}), turns)
    assert [each.answer["content"] for each in prompts] == asked


def test_the_mark_of_a_turn_is_no_part_of_a_prompt(tmp_path: Path) -> None:
    masked = [*DIALOGUE[:2], {**DIALOGUE[2], "train": False}, *DIALOGUE[3:]]
    assert read_prompts(write_rows(tmp_path, {"messages": masked}))[0].messages == tuple(DIALOGUE[:6])


def test_the_rest_of_the_dialogue_is_kept_for_the_chat_template(tmp_path: Path) -> None:
    prompts = read_prompts(write_rows(tmp_path, {"messages": DIALOGUE}), "all")
    assert [[one["content"] for one in each.after] for each in prompts] == [["c", "d", "e", "f"], ["e", "f"], []]


def test_a_pair_is_one_prompt_with_two_answers(tmp_path: Path) -> None:
    chosen, rejected = {"role": "assistant", "content": "yes"}, {"role": "assistant", "content": "no"}
    path = write_rows(tmp_path, {"messages": DIALOGUE[:2], "chosen": chosen, "rejected": rejected})
    assert read_prompts(path) == [
        Prompt("x#1", tuple(DIALOGUE[:2]), (), chosen, rejected, {"origin": "x#1"})  # type: ignore[arg-type]
    ]


def test_an_answer_with_a_label_is_one_prompt_that_can_be_sliced_by_it(tmp_path: Path) -> None:
    answer = {"role": "assistant", "content": "no"}
    path = write_rows(tmp_path, {"messages": DIALOGUE[:3], "answer": answer, "label": False})
    (found,) = read_prompts(path)
    assert (list(found.messages), found.answer, found.rejected) == (DIALOGUE[:3], answer, None)
    assert (found.meta, found.labelled) == ({"origin": "x#1", "label": "bad"}, True)


def test_rows_of_one_record_are_numbered_and_limited(tmp_path: Path) -> None:
    path = write_rows(tmp_path, *({"messages": DIALOGUE},) * 3)
    assert [each.id for each in draw_prompts(path, 2).prompts] == ["x#1", "x#1/2"]


def write_origins(folder: Path, *origins: str) -> Path:
    path = folder / "test.jsonl"
    path.write_text("".join(json.dumps({"messages": DIALOGUE, "meta": {"origin": one}}) + "\n" for one in origins))
    return path


def test_a_limit_draws_the_same_rows_whatever_the_order_and_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    origins = [f"robot.json#{number}" for number in range(20)]
    ids = [one.id for one in draw_prompts(write_origins(tmp_path, *origins), 5).prompts]
    assert ids == ["robot.json#2", "robot.json#7", "robot.json#8", "robot.json#10", "robot.json#16"]
    assert [one.id for one in draw_prompts(write_origins(tmp_path, *origins[::-1]), 5).prompts] == ids[::-1]
    assert {one.id for one in draw_prompts(write_origins(tmp_path, *origins), 4).prompts} < set(ids)


def test_a_limit_counts_rows_also_where_every_turn_is_asked(tmp_path: Path) -> None:
    drawn = draw_prompts(write_origins(tmp_path, "a", "b", "c"), 2, "all")
    assert (drawn.rows, drawn.of, len(drawn.prompts)) == (2, 3, 6)


@pytest.mark.parametrize("limit", [3, 4, None])
def test_a_limit_that_leaves_nothing_out_changes_nothing(tmp_path: Path, limit: int | None) -> None:
    path = write_origins(tmp_path, "a", "a", "b")
    drawn = draw_prompts(path, limit)
    assert (drawn.rows, drawn.of) == (3, 3)
    assert digest_prompts(drawn.prompts) == digest_prompts(read_prompts(path))


# By their hashes b comes first, then c, then a.
@pytest.mark.parametrize(
    ("sizes", "drawn"),
    [
        ({"a": 1, "b": 1, "c": 1}, {"b": 1, "c": 1}),
        ({"a": 1, "b": 2, "c": 1}, {"b": 2}),
        ({"a": 1, "b": 1, "c": 2}, {"b": 1}),
        ({"a": 1, "b": 5, "c": 1}, {"b": 2}),
        ({}, {}),
    ],
)
def test_records_are_drawn_whole_while_they_fit(sizes: dict[str, int], drawn: dict[str, int]) -> None:
    assert draw_records(sizes, 2) == drawn


def test_a_row_that_is_cut_off_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write_rows(tmp_path, {"messages": DIALOGUE})
    path.write_text(path.read_text() + '{"messages": [')
    with pytest.raises(UserError, match=r"test\.jsonl:2: not a whole row: "):
        read_prompts(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", "no row: 'messages' is null, not a list"),
        ("[1]", "no row: a list, not an object"),
        ('{"messages": [{"role": "user"}]}', "no row: 'messages' holds what is no message"),
        ('{"messages": [], "meta": {}}', "no row of this project: its meta has no origin"),
        (
            '{"messages": [], "chosen": {"role": "assistant", "content": "a"}, "meta": {"origin": "x#1"}}',
            "no row: half a pair, or an answer without its label",
        ),
    ],
)
def test_held_out_rows_that_were_edited_are_refused_with_their_line(tmp_path: Path, line: str, reason: str) -> None:
    path = write_rows(tmp_path, {"messages": DIALOGUE})
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(UserError) as caught:
        read_prompts(path)
    assert str(caught.value) == f"{path}:2: {reason}"


def test_a_turn_that_the_data_named_is_kept_beside_the_turn_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({"messages": DIALOGUE[:3], "meta": {"origin": "x#1", "turn": "night"}}) + "\n")
    (prompt,) = read_prompts(path, "all")
    assert prompt.meta == {"origin": "x#1", "turn": 1, "metadata_turn": "night"}
