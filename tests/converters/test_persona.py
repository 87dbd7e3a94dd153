"""The persona converter: the profile in the prompt or not, a dialogue whole or turn by turn, other personas apart."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from converters.persona import SYSTEM, Options, convert, recognise
from recipebook.data.conversion import convert_file
from recipebook.rows import BadRecord

SAMPLE = Path(__file__).parents[2] / "samples" / "persona.jsonl"
WORDS = st.text(st.sampled_from("ab \n\r"), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "text"]), inner),
    max_leaves=4,
)
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", " USER", "robot"]), "text": WORDS})
RECORD = st.fixed_dictionaries(
    {},
    optional={
        "persona_id": st.just("p") | JSON,
        "character": st.just("A baker.") | JSON,
        "session_id": st.just(1) | JSON,
        "dialogue_idx": JSON,
        "messages": st.lists(MESSAGE, max_size=5) | st.lists(MESSAGE | JSON, max_size=3) | JSON,
    },
)
OPTIONS = st.builds(
    Options,
    persona=st.booleans(),
    rows=st.sampled_from(["dialogue", "turn"]),
    persona_id=st.sampled_from([None, "p"]),
)


@given(record=RECORD, options=OPTIONS)
def test_any_record_gives_rows_that_end_with_an_answer_or_a_reason(record: dict[str, Any], options: Options) -> None:
    try:
        rows = convert(record, options)
    except BadRecord as reason:
        assert str(reason)
        return
    assert len(rows) == (rows[0]["meta"]["turns"] if options.rows == "turn" else 1)
    for row in rows:
        assert [row["messages"][at]["role"] for at in (0, 1, -1)] == ["system", "user", "assistant"]
        assert all(message["content"].strip() for message in row["messages"])


@given(said=st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=6))
def test_every_message_is_in_the_row_or_counted_as_dropped(said: list[str]) -> None:
    messages = [{"role": role, "text": f"{at}"} for at, role in enumerate(["user", *said])]
    try:
        (row,) = convert({"persona_id": "p", "messages": messages}, Options(persona=False))
    except BadRecord as reason:
        assert set(said) == {"user"} and str(reason) == "'messages' has no answer"
        return
    kept = row["messages"][1:]
    assert [message["content"] for message in kept] == [str(at) for at in range(len(kept))]
    assert len(kept) + row["meta"].get("dropped", 0) == len(messages)


def test_records_of_other_personas_are_left_out_and_no_rejects(tmp_path: Path) -> None:
    account = convert_file("persona", str(SAMPLE), tmp_path / "rows.jsonl", {"persona_id": "persona_007"})
    assert (account.records, account.accepted, account.rows, account.rejects) == (768, 24, 24, 0)
    assert [(each.reason, each.count) for each in account.left_out] == [
        ("of another persona than option persona_id", 744)
    ]


def test_turn_by_turn_has_the_answers_of_the_whole_dialogues(tmp_path: Path) -> None:
    whole = convert_file("persona", str(SAMPLE), tmp_path / "whole.jsonl", {})
    turns = convert_file("persona", str(SAMPLE), tmp_path / "turns.jsonl", {"rows": "turn"})
    assert (whole.rows, turns.rows) == (768, (tmp_path / "whole.jsonl").read_text().count('"assistant"'))


def test_a_profile_is_told_after_the_prompt_or_not_at_all() -> None:
    messages = [{"role": "user", "text": "Hi."}, {"role": "assistant", "text": "Hello."}]
    record = {"persona_id": "p", "character": " A baker. ", "messages": messages}
    (told,), (silent,) = convert(record, Options()), convert(record, Options(persona=False))
    assert told["messages"][0]["content"] == f"{SYSTEM}\n\nUser Profile: A baker."
    assert silent["messages"][0]["content"] == SYSTEM


def test_a_dialogue_of_another_form_is_not_recognised() -> None:
    assert recognise({"persona_id": "p", "messages": [{"role": "user", "text": "Hi."}]}) == (
        "have 'persona_id' and 'messages' with 'text'"
    )
    assert recognise({"persona_id": "p", "messages": [{"role": "user", "content": "Hi."}]}) is None
    assert recognise({"messages": [{"role": "user", "text": "Hi."}]}) is None
