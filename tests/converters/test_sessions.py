"""The sessions converter: successes become chats, or pairs with the failures of their tasks; all are accounted for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.sessions import Options, choose_join, convert, recognise
from recipebook.data import conversion
from recipebook.data.account import Account
from recipebook.data.conversion import convert_file
from recipebook.data.spread import Made, convert_spread
from recipebook.records import Record
from recipebook.rows import BadRecord
from recipebook.shell.outcomes import OUTCOMES, reward

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TURNS = st.fixed_dictionaries({"role": st.sampled_from(["user", "agent"]), "content": st.sampled_from(["a", "b", "c"])})
MANGLED_TURNS = st.fixed_dictionaries({"role": JSON, "content": JSON})
OUTCOME = st.sampled_from(OUTCOMES)
SESSIONS = st.fixed_dictionaries(
    {
        "task_name": st.just("os"),
        "sample_index": st.integers(0, 2),
        "sample_status": st.just("completed"),
        "chat_history": st.fixed_dictionaries({"value": st.lists(TURNS, max_size=5)}),
        "evaluation_record": st.fixed_dictionaries({"outcome": OUTCOME}),
    }
)
MANGLED = st.fixed_dictionaries(
    {},
    optional={
        "task_name": JSON | st.just("os"),
        "sample_index": JSON,
        "sample_status": JSON | st.just("completed"),
        "chat_history": JSON | st.fixed_dictionaries({"value": JSON | st.lists(TURNS | MANGLED_TURNS, max_size=3)}),
        "evaluation_record": JSON | st.fixed_dictionaries({"outcome": JSON | OUTCOME}),
        "failed_session": JSON | SESSIONS,
    },
)


def tell(outcome: str, *answers: str, index: int = 0, status: str = "completed") -> dict[str, Any]:
    turns = [{"role": "user", "content": "Delete x."}]
    for answer in answers:
        turns += [{"role": "agent", "content": answer}, {"role": "user", "content": "Empty."}]
    return {
        "task_name": "os",
        "sample_index": index,
        "sample_status": status,
        "chat_history": {"value": turns[:-1]},
        "evaluation_record": {"outcome": outcome},
    }


@pytest.fixture
def convert_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Account, list[Any]]]:
    monkeypatch.chdir(tmp_path)

    def convert_all(sessions: list[Any], form: str) -> tuple[Account, list[Any]]:
        Path("x.jsonl").write_text("\n".join(map(json.dumps, sessions)))
        account = convert_file("sessions", "x.jsonl", Path("rows.jsonl"), {"form": form, "system": None}, "100%")
        return account, [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]

    return convert_all


# The machine may be busy: what is tested is no matter of milliseconds.
@settings(deadline=None)
@given(record=MANGLED | SESSIONS, form=st.sampled_from(["sft", "pairs"]))
def test_any_record_becomes_one_row_or_is_refused_with_a_reason(record: dict[str, Any], form: Any) -> None:
    try:
        (row,) = convert(record, Options(form=form))
    except BadRecord as reason:
        assert str(reason)
    else:
        turns = row["messages"] if form == "sft" else [*row["messages"], row["chosen"]]
        assert turns[-1]["role"] == "assistant"
        assert all(type(turn["content"]) is str for turn in turns)
        assert row.get("chosen") != row.get("rejected") or form == "sft"
        assert row["meta"]["reward"] == 1.0


@settings(deadline=None)
@given(sessions=st.lists(SESSIONS | MANGLED | JSON.map(lambda _: BadRecord("broken")), max_size=8))
def test_no_record_is_lost_or_moved_by_joining_and_no_failure_serves_twice(sessions: list[Any]) -> None:
    records = [Record(number, number, value) for number, value in enumerate(sessions, 1)]
    join = choose_join(Options(form="pairs"))
    assert join
    joined = list(join(records))
    assert [record[:2] for record in joined] == [record[:2] for record in records]
    used = [
        id(after.value["failed_session"])
        for before, after in zip(records, joined, strict=True)
        if after is not before and isinstance(after.value, dict)
    ]
    assert len(used) == len(set(used))


def test_rows_of_one_session_each_need_no_other_so_that_several_processes_may_share_a_file() -> None:
    assert choose_join(Options(form="sft")) is None


def test_the_outcome_decides_and_not_how_the_session_ended(convert_all: Any) -> None:
    sessions = [
        tell("incorrect", "rm y"),
        tell("correct", "rm x", status="task_limit_reached"),
        tell("unknown", "rm z"),
        tell("unset", "rm z"),
        tell("ignored", "rm z"),
    ]
    account, rows = convert_all(sessions, "sft")
    assert rows == [
        {
            "messages": [{"role": "user", "content": "Delete x."}, {"role": "assistant", "content": "rm x"}],
            "meta": {
                "task": "os/0",
                "status": "task_limit_reached",
                "rounds": 1,
                "outcome": "correct",
                "reward": 1.0,
                "origin": "x.jsonl#2",
            },
        }
    ]
    assert (account.records, account.rows, account.rejects) == (5, 1, 0)
    assert [(each.reason, each.count) for each in account.left_out] == [
        ("outcome: incorrect", 1),
        ("outcome: unknown", 1),
        ("outcome: unset", 1),
        ("outcome: ignored", 1),
    ]


def test_a_success_and_a_failure_of_one_task_become_a_pair_where_they_part(convert_all: Any) -> None:
    sessions = [
        tell("incorrect", "ls", "rm y", "finish", index=1),
        tell("correct", "rm z", index=2),
        tell("correct", "ls", "rm x", "finish", index=1),
    ]
    account, rows = convert_all(sessions, "pairs")
    assert rows == [
        {
            "messages": [
                {"role": "user", "content": "Delete x."},
                {"role": "assistant", "content": "ls"},
                {"role": "user", "content": "Empty."},
            ],
            "chosen": {"role": "assistant", "content": "rm x"},
            "rejected": {"role": "assistant", "content": "rm y"},
            "meta": {
                "task": "os/1",
                "status": "completed",
                "rounds": 3,
                "outcome": "correct",
                "reward": 1.0,
                "origin": "x.jsonl#3",
            },
        }
    ]
    assert [(each.reason, each.places) for each in account.left_out] == [
        ("outcome: incorrect, in pairs only beside a correct session", ("x.jsonl:1: record 1",)),
        ("no incorrect session on its task is left to pair it with", ("x.jsonl:2: record 2",)),
    ]


def test_successes_take_failures_in_turn_until_none_is_left(convert_all: Any) -> None:
    sessions = [tell("correct", answer) for answer in "abc"] + [tell("incorrect", answer) for answer in "xy"]
    account, rows = convert_all(sessions, "pairs")
    assert [(row["chosen"]["content"], row["rejected"]["content"]) for row in rows] == [("a", "x"), ("b", "y")]
    assert (account.records, account.rows, sum(each.count for each in account.left_out)) == (5, 2, 3)


def test_a_big_file_is_not_cut_between_a_success_and_its_failure(
    convert_all: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "SPAN", 100)
    sessions = [tell("correct", "x", index=index) for index in range(50)]
    sessions += [tell("incorrect", "y", index=index) for index in range(50)]
    account, _ = convert_all(sessions, "pairs")
    assert (account.records, account.rows) == (100, 50)


def test_a_success_and_a_failure_may_stand_in_different_files_unless_their_instructions_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tell("incorrect", "rm z", index=1)
    other["chat_history"]["value"][0]["content"] = "Delete z."
    runs = {
        "a": [tell("correct", "rm x", index=1)],
        "b": [other, tell("incorrect", "rm y", index=1)],
        "c": [tell("correct", "rm x", index=2)],
    }
    for name, sessions in runs.items():
        Path(f"run-{name}.json").write_text(json.dumps(sessions))
    options = {"form": "pairs", "system": None}
    account = convert_file("sessions", "run-*.json", Path("rows.jsonl"), options)
    [row] = map(json.loads, Path("rows.jsonl").read_text().splitlines())
    assert (row["chosen"]["content"], row["rejected"]["content"]) == ("rm x", "rm y")
    assert row["meta"]["origin"] == "run-a.json#1"
    assert [(each.reason, each.places) for each in account.left_out] == [
        (
            "outcome: incorrect, in pairs only beside a correct session",
            ("run-b.json:1: record 1", "run-b.json:1: record 2"),
        ),
        ("no incorrect session on its task is left to pair it with", ("run-c.json:1: record 1",)),
    ]
    parted = convert_spread("sessions", "run-*.json", Path("parted.jsonl"), options, 0, do_nothing)
    assert (parted, Path("parted.jsonl").read_bytes()) == (account, Path("rows.jsonl").read_bytes())


def do_nothing(do: object, parts: object) -> Iterator[Made]:
    raise AssertionError("records that belong together were parted")


@pytest.mark.parametrize("answers", [("ls",), ("ls", "rm x"), ("ls", "rm x", "finish")])
def test_a_failure_that_only_ends_elsewhere_makes_no_pair(answers: tuple[str, ...]) -> None:
    record = {**tell("correct", "ls", "rm x"), "failed_session": tell("incorrect", *answers)}
    with pytest.raises(BadRecord, match=r"^does not part from the incorrect session by an agent's turn$"):
        convert(record, Options(form="pairs"))


def test_sessions_with_other_instructions_make_no_pair() -> None:
    failure = tell("incorrect", "rm y")
    failure["chat_history"]["value"][0]["content"] = "Delete y."
    with pytest.raises(BadRecord, match=r"^does not part from the incorrect session by an agent's turn$"):
        convert({**tell("correct", "rm x"), "failed_session": failure}, Options(form="pairs"))


def test_only_what_was_judged_is_rewarded() -> None:
    assert {outcome: reward(outcome) for outcome in OUTCOMES} == {
        "correct": 1.0,
        "incorrect": -0.5,
        "unknown": 0.0,
        "unset": 0.0,
        "ignored": 0.0,
    }


def test_sessions_are_recognised_by_history_and_evaluation() -> None:
    assert recognise(tell("correct", "ls")) == "have 'chat_history' and 'evaluation_record'"
    assert recognise({"chat_history": {"value": []}}) is None
