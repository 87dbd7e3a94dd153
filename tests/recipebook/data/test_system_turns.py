"""System turns of rows: folded into the user turns that follow, or dropped, and counted."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.data.dataset import prepare
from recipebook.data.system_turns import System, SystemTurns
from recipebook.recipe.data_keys import Data
from recipebook.rows import Message

SYSTEM, AGAIN, USER, ANSWER = (
    {"role": role, "content": text}
    for role, text in (("system", "Be brief."), ("system", "In verse."), ("user", "Hi"), ("assistant", "Hello!"))
)
FOLDED = {"role": "user", "content": "Be brief.\n\nHi"}


def change(how: System, *messages: Any, **more: Any) -> tuple[dict[str, Any], int]:
    turns = SystemTurns(how)
    row: Any = {"messages": list(messages), **more, "meta": {}}
    return dict(turns.apply(row)), turns.count


@pytest.mark.parametrize(
    ("how", "messages", "wanted"),
    [
        ("fold", [SYSTEM, USER, ANSWER], [FOLDED, ANSWER]),
        ("drop", [SYSTEM, USER, ANSWER], [USER, ANSWER]),
        ("fold", [SYSTEM, AGAIN, USER], [{"role": "user", "content": "Be brief.\n\nIn verse.\n\nHi"}]),
        ("fold", [SYSTEM, ANSWER, USER, ANSWER], [ANSWER, FOLDED, ANSWER]),
        ("fold", [USER, ANSWER, SYSTEM, USER, ANSWER], [USER, ANSWER, FOLDED, ANSWER]),
        ("fold", [USER, ANSWER, SYSTEM, ANSWER], [USER, ANSWER, {"role": "user", "content": "Be brief."}, ANSWER]),
        ("fold", [{**SYSTEM, "content": ""}, USER, ANSWER], [USER, ANSWER]),
        ("drop", [USER, SYSTEM, ANSWER, AGAIN], [USER, ANSWER]),
    ],
)
def test_system_turns_go_where_the_recipe_says(how: System, messages: list[Any], wanted: list[Any]) -> None:
    found, count = change(how, *messages)
    assert found["messages"] == wanted
    assert count == sum(message["role"] == "system" for message in messages)


def test_spans_follow_their_words() -> None:
    spans = [{"message": 1, "start": 0, "end": 2, "kind": "tool"}, {"message": 2, "start": 1, "end": 3, "kind": "tool"}]
    found, _ = change("fold", SYSTEM, USER, ANSWER, spans=spans)
    assert found["spans"] == [
        {"message": 0, "start": 11, "end": 13, "kind": "tool"},
        {"message": 1, "start": 1, "end": 3, "kind": "tool"},
    ]
    assert found["messages"][0]["content"][11:13] == "Hi"


ROLES = st.sampled_from(["system", "user", "assistant"])


@given(st.lists(st.builds(lambda role, text: {"role": role, "content": text}, ROLES, st.text(min_size=1))))
def test_folding_loses_no_word_and_dropping_only_those_of_system_turns(messages: list[Message]) -> None:
    folded, dropped = (change(how, *messages)[0]["messages"] for how in ("fold", "drop"))  # type: ignore[arg-type]
    assert sorted("".join(one["content"] for one in folded).replace("\n\n", "")) == sorted(
        "".join(one["content"] for one in messages).replace("\n\n", "")
    )
    assert dropped == [one for one in messages if one["role"] != "system"]
    assert not [one for one in folded if one["role"] == "system"]


def test_rows_are_made_and_named_apart_and_the_account_says_how_many(tmp_path: Path) -> None:
    said = '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "%d"}, '
    lines = [said % number + '{"role": "assistant", "content": "yes"}]}\n' for number in range(20)]
    (tmp_path / "chats.jsonl").write_text("".join(lines))
    data = Data(source="chats.jsonl", converter="chat", split={"validation": 0, "test": 0})
    kept = prepare(data, tmp_path / "cache", tmp_path)
    folded = prepare(data, tmp_path / "cache", tmp_path, system="fold")
    assert folded.folder != kept.folder
    assert folded.rows_digest != kept.rows_digest
    assert folded.account.notes == (*kept.account.notes, "model.system: fold: 20 system turns folded into user turns")
    assert '"content":"Be brief.\\n\\n0"' in folded.path("train").read_text()
