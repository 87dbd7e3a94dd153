"""Exports and back: whatever a form does not refuse is all there, and the converters make the same row of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipebook.data.conversion import convert_file
from recipebook.data.export import export_rows, find_export
from recipebook.errors import UserError
from recipebook.modules import EXPORT, list_names
from recipebook.rows import BadRecord
from tests.recipebook.data.exported import CALL, CHAT, DIALOGUE, TOOL, with_calls

# Read back by hand: a fault of a converter must hide none of an export.
TEXT = st.text(st.characters(codec="utf-8"))
ARGUMENTS = st.dictionaries(TEXT, TEXT | st.integers() | st.booleans() | st.none(), max_size=2).map(json.dumps)
CALLS = st.lists(
    st.fixed_dictionaries({"name": TEXT, "arguments": ARGUMENTS}).map(
        lambda function: {"id": "call_0", "type": "function", "function": function}
    ),
    min_size=1,
    max_size=2,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool"]), "content": TEXT}
) | st.builds(lambda content, calls: {"role": "assistant", "content": content, "tool_calls": calls}, TEXT, CALLS)
NEEDED: dict[str, st.SearchStrategy[Any]] = {
    "messages": st.lists(MESSAGE, max_size=4),
    "meta": st.dictionaries(st.just("kind"), TEXT),
}
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.just([TOOL]),
    "chosen": st.just({"role": "assistant", "content": "a"}),
    "rejected": st.just({"role": "assistant", "content": "b"}),
}
ROW = st.fixed_dictionaries(NEEDED, optional=OPTIONAL)


def read_sharegpt(turn: dict[str, str]) -> dict[str, Any]:
    if turn["from"] != "function_call":
        roles = {"system": "system", "human": "user", "gpt": "assistant", "observation": "tool"}
        return {"role": roles[turn["from"]], "content": turn["value"]}
    call = json.loads(turn["value"])
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    return {"role": "assistant", "content": "", "tool_calls": [{**CALL, "function": function}]}


def read_back(form: str, written: dict[str, Any]) -> dict[str, Any]:
    meta = {"meta": written.get("metadata", {})}
    tools = {"tools": written["tools"]} if "tools" in written else {}
    match form:
        case "prompt_completion":
            messages = [("user", written["prompt"]), ("assistant", written["completion"])]
            return {"messages": [{"role": role, "content": text} for role, text in messages]}
        case "sharegpt":
            functions = json.loads(written.get("tools", "[]"))
            tools = {"tools": [{"type": "function", "function": one} for one in functions]} if functions else {}
            return {"messages": [read_sharegpt(turn) for turn in written["conversations"]], **tools, **meta}
        case "openai":
            return {"messages": written["messages"], **tools, **meta}
    if form == "trl_preference":
        written = {"messages": written["prompt"], "chosen": written["chosen"][0], "rejected": written["rejected"][0]}
    return {**{field: written[field] for field in ("messages", "chosen", "rejected")}, **tools, **meta}


@pytest.mark.parametrize("form", list_names(EXPORT))
@given(row=ROW)
def test_there_and_back_loses_nothing_that_was_not_refused(form: str, row: Any) -> None:
    try:
        written = json.loads(json.dumps(find_export(form)(row)))
    except BadRecord as reason:
        assert str(reason).startswith(("has ", "a preference pair", "no preference pair"))
        return
    kept = {field: value for field, value in row.items() if field != "meta" or form != "prompt_completion"}
    assert read_back(form, written) == kept


CHAT_ROWS: list[Any] = [
    CHAT,
    DIALOGUE,
    {**DIALOGUE, "messages": [{**turn, "name": "ann"} for turn in DIALOGUE["messages"]]},
    {
        "messages": [
            *with_calls(tool_calls=[{**CALL, "id": "a7"}], reasoning_content="Hm.", train=False)["messages"],
            {"role": "tool", "content": "no", "tool_call_id": "a7"},
            {"role": "assistant", "content": "It is dry."},
        ],
        "meta": {"calls": 1, "tool": "weather"},
    },
    {
        "messages": [
            {"role": "assistant", "content": "Welcome."},
            {"role": "user", "content": "hi"},
            {"role": "user", "content": "hi?"},
            {"role": "system", "content": "Be kind."},
            {"role": "assistant", "content": "No.", "train": False, "reasoning_content": "Hm."},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "Hello!"},
        ],
        "meta": {"topic": "greeting", "dropped": 1, "length": 2.5},
    },
]


@pytest.mark.parametrize("form", ["openai", "sharegpt", "prompt_completion"])
@pytest.mark.parametrize("row", CHAT_ROWS)
def test_a_row_that_is_exported_is_converted_to_the_same_row_or_refused(tmp_path: Path, form: str, row: Any) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    try:
        export_rows(form, str(tmp_path / "rows.jsonl"), tmp_path / "out.jsonl")
    except UserError as reason:
        assert form == "prompt_completion" and "has " in str(reason)
        return
    source = tmp_path / "out.jsonl"
    assert convert_row("auto", source)["messages"] == row["messages"]
    assert convert_row("auto", source).get("tools") == row.get("tools")
    kept = {} if form == "prompt_completion" else {key: row["meta"][key] for key in row["meta"] if key != "origin"}
    meta = convert_row("auto", source)["meta"]
    assert {key: meta[key] for key in kept} == kept and set(meta) <= {*kept, "origin", "calls", "tool"}


def test_our_own_rows_are_converted_to_themselves(tmp_path: Path) -> None:
    for at, row in enumerate(CHAT_ROWS):
        source = tmp_path / f"{at}.jsonl"
        source.write_text(json.dumps(row) + "\n")
        again = convert_row("auto", source)
        assert (again["messages"], again.get("tools")) == (row["messages"], row.get("tools"))
        assert {key: value for key, value in again["meta"].items() if key in row["meta"] and key != "origin"} == {
            key: value for key, value in row["meta"].items() if key != "origin"
        }


def convert_row(converter: str, source: Path) -> Any:
    convert_file(converter, str(source), source.with_suffix(".rows"), {})
    (line,) = source.with_suffix(".rows").read_text().splitlines()
    return json.loads(line)
