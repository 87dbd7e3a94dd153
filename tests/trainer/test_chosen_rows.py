"""Of a large file, the first rows are looked at; of the others the longest, one of each shape, and what is rare."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from trainer.chosen_rows import choose_rows, count_rows, list_words, read_shape

USER, SAID = {"role": "user", "content": "go"}, {"role": "assistant", "content": "yes"}
SYSTEM = {"role": "system", "content": "Be brief."}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def chat(number: int, *messages: dict[str, Any], words: int = 1) -> dict[str, Any]:
    return {"messages": [*messages, {**SAID, "content": "yes " * words}], "meta": {"origin": f"x#{number}"}}


def list_numbers(path: Path, first: int, longest: int, words: Sequence[str] = ()) -> list[tuple[int, bool]]:
    chosen = choose_rows(path, first, longest, words)
    return [(int(json.loads(line)["meta"]["origin"][2:]), early) for line, early in chosen]


def test_a_small_file_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [chat(1, USER), chat(2, SYSTEM, USER)])
    assert list_numbers(path, 2, 5) == [(1, True), (2, True)]
    assert count_rows(path) == 2


def test_the_longest_and_new_shapes_are_looked_at_in_the_files_order(tmp_path: Path) -> None:
    words = {5: 40, 7: 50, 9: 30}
    rows = [chat(number, USER, words=words.get(number, 1)) for number in range(1, 10)]
    rows[5] = chat(6, SYSTEM, USER)
    rows[7] = chat(8, SYSTEM, USER)
    path = write(tmp_path / "rows.jsonl", rows)
    # The 8th has, as the 6th, more quotes than the others.
    others = [(5, False), (6, False), (7, False), (8, False)]
    assert list_numbers(path, 2, 2) == [(1, True), (2, True), *others]


def test_a_row_of_few_letters_is_looked_at_since_it_may_have_many_tokens(tmp_path: Path) -> None:
    rows = [chat(number, USER, words=8) for number in range(1, 10)]
    rows[7]["messages"][1] = {**SAID, "content": "7+(3*8)-2/5=0!"}
    path = write(tmp_path / "rows.jsonl", rows)
    assert list_numbers(path, 2, 1) == [(1, True), (2, True), (3, False), (8, False)]


TEMPLATE = """{% for one in messages %}{% if '</think>' in one.content %}{{ raise_exception('no thoughts') }}{% endif %}
{{ '<' + one['role'] + '>' + one.content }}{% endfor %}"""


def test_the_first_row_with_or_without_a_word_of_the_template_is_looked_at(tmp_path: Path) -> None:
    words = list_words(TEMPLATE)
    assert words == ["</think>", "no thoughts", "<", "role", ">"]
    rows = [chat(number, {**USER, "content": "<go>"}) for number in range(1, 10)]
    for number, said in ((4, "a</think>"), (5, "b</think>")):
        rows[number - 1]["messages"][1] = {**SAID, "content": said}
    rows[6]["messages"][0] = {**USER, "content": "go"}
    rows[8]["messages"][1] = {**SAID, "content": "7" * 80}
    path = write(tmp_path / "rows.jsonl", rows)
    assert list_numbers(path, 2, 1, words) == [(1, True), (2, True), (4, False), (7, False), (9, False)]


def test_a_template_that_cannot_be_read_has_no_words() -> None:
    assert list_words("{% if 'a %}") == []


def test_of_equally_long_rows_the_first_are_looked_at(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [chat(number, USER) for number in range(1, 8)])
    assert list_numbers(path, 1, 2) == [(1, True), (2, False), (3, False)]


@pytest.mark.parametrize(
    "other",
    [
        {"messages": [USER, {**SAID, "tool_calls": [{"id": "a"}]}]},
        {"messages": [USER, {**SAID, "reasoning_content": "A road."}]},
        {"messages": [USER, {**SAID, "content": ""}]},
        {"messages": [USER, USER, SAID]},
        {"messages": [SAID, USER]},
        {"messages": [USER, SAID], "tools": [{"type": "function", "function": {"name": "go"}}]},
        {"messages": [USER], "chosen": SAID, "rejected": SAID},
        {"messages": [USER], "answer": SAID, "label": True},
    ],
)
def test_what_a_template_may_refuse_is_another_shape(other: dict[str, Any]) -> None:
    assert read_shape(other) != read_shape({"messages": [USER, SAID]})


@pytest.mark.parametrize("function", [{}, {"parameters": {}}, {"parameters": {"properties": {"a": {"enum": [1]}}}}])
def test_what_a_tool_has_is_part_of_the_shape_and_its_names_are_not(function: dict[str, Any]) -> None:
    def shape(name: str, **function: Any) -> Any:
        tool = {"type": "function", "function": {"name": name, **function}}
        return read_shape({"messages": [USER, SAID], "tools": [tool]})

    usual = {"parameters": {"properties": {"a": {"type": "string"}}}}
    assert shape("f", **usual) == shape("g", parameters={"properties": {"b": {"type": "number"}}})
    assert shape("f", **function) != shape("f", **usual)


def test_a_longer_chat_of_the_same_turns_is_no_other_shape() -> None:
    assert read_shape({"messages": [USER, SAID] * 2}) == read_shape({"messages": [USER, SAID] * 3})
