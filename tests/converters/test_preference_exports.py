"""What an export writes of preferences is read back to equal rows, also by `auto`, and so are the rows themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.preference import Options, convert, recognise
from recipebook.data.export import find_export
from recipebook.rows import BadRecord, Row

SAMPLES = Path(__file__).parent.parent / "samples" / "converters" / "preference.jsonl"
CALL = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"day": "now"}'}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
PROMPT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it raining?"},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "content": "no", "tool_call_id": "call_0"},
    {"role": "assistant", "content": "It is dry."},
    {"role": "user", "content": "And now?"},
]
ANSWER = {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "call_1"}]}
NO = {"role": "assistant", "content": "no"}
PAIR: Any = {
    "messages": PROMPT,
    "tools": [TOOL],
    "chosen": ANSWER,
    "rejected": NO,
    "meta": {"task": "rain", "reward": 1.0, "difference": 0.5, "ratio": 0.25, "score": 1.0},
}
LABELLED: Any = {"messages": PROMPT, "tools": [TOOL], "answer": ANSWER, "label": False, "meta": {}}


def read_all(row: Row) -> list[dict[str, Any]]:
    """The row as each form writes it, as it is with its origin, and back."""
    forms = ["trl_preference"] if "label" in row else ["axolotl_preference", "trl_preference"]
    with_origin = {**row, "meta": {**row["meta"], "origin": "x.jsonl#1"}}
    written = [json.loads(json.dumps(record)) for record in (with_origin, *(find_export(form)(row) for form in forms))]
    assert all(recognise(record) for record in written)
    return [dict(convert(record, Options())[0]) for record in written]


def list_sample_rows() -> list[Row]:
    lines = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    return [row for line in lines for row in line.get("out", [])]


@pytest.mark.parametrize("row", [PAIR, LABELLED, *list_sample_rows()])
def test_a_row_comes_back_equal(row: Any) -> None:
    assert all(read == row for read in read_all(row))


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1).filter(str.strip)
USER = st.fixed_dictionaries({"role": st.just("user"), "content": TEXT})
SAID = st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXT})
BEFORE = st.lists(st.tuples(USER, SAID), max_size=2).map(lambda turns: [turn for pair in turns for turn in pair])
META = st.dictionaries(st.sampled_from(["topic", "category", "difference"]), st.integers(0, 9).map(float), max_size=2)


@settings(deadline=None)
@given(before=BEFORE, user=USER, chosen=SAID, rejected=SAID, system=st.none() | TEXT, meta=META, label=st.booleans())
def test_any_preference_comes_back_equal(
    before: Any, user: Any, chosen: Any, rejected: Any, system: str | None, meta: Any, label: bool
) -> None:
    messages = [*([{"role": "system", "content": system}] if system else []), *before, user]
    pair: Any = {"messages": messages, "chosen": chosen, "rejected": rejected, "meta": meta}
    labelled: Any = {"messages": messages, "answer": chosen, "label": label, "meta": meta}
    try:
        assert all(read == pair for read in read_all(pair))
        assert all(read == labelled for read in read_all(labelled))
    except BadRecord as reason:
        assert str(reason) == "the chosen and the rejected answer are the same"
