"""The account: what went in is what came out and what was rejected."""

import pytest

from recipebook.data import account
from recipebook.data.account import Account, Ledger, Rejection, Repeats, judge
from recipebook.errors import UserError
from recipebook.records import Record


def reject_five() -> Account:
    ledger = Ledger()
    ledger.records = 12
    ledger.rows = 8
    for number in (7, 8, 9, 10):
        ledger.reject("x.jsonl", Record(number, number + 1, {}), "missing 'output'")
    ledger.withdraw("x.jsonl", Record(11, 12, {}), 1, "gives no row")
    return ledger.close()


def test_reasons_are_counted_with_their_first_places() -> None:
    account = reject_five()
    places = ("x.jsonl:8: record 7", "x.jsonl:9: record 8", "x.jsonl:10: record 9")
    assert account == Account(
        records=12,
        rows=7,
        rejected=(
            Rejection(reason="missing 'output'", count=4, places=places),
            Rejection(reason="gives no row", count=1, places=("x.jsonl:12: record 11",)),
        ),
    )
    assert (account.records, account.accepted, account.rejects) == (12, 7, 5)
    assert account.lines() == [
        "12 records, 7 rows, 5 rejected, 0 duplicates",
        "4 x missing 'output' (first: x.jsonl:8: record 7)",
        "1 x gives no row (first: x.jsonl:12: record 11)",
    ]


def test_records_left_out_are_told_and_are_no_rejects() -> None:
    ledger, later = Ledger(), Ledger()
    ledger.records, later.records, later.rows = 1, 3, 1
    ledger.leave_out("x.jsonl", Record(1, 1, {}), "another persona")
    later.leave_out("x.jsonl", Record(2, 2, {}), "another persona")
    later.reject("x.jsonl", Record(3, 3, {}), "gives no row")
    ledger.add(later)
    account = ledger.close()
    places = ("x.jsonl:1: record 1", "x.jsonl:2: record 2")
    assert account.left_out == (Rejection(reason="another persona", count=2, places=places),)
    assert (account.records, account.accepted, account.rejects) == (4, 1, 1)
    assert account.lines() == [
        "4 records, 1 rows, 1 rejected, 0 duplicates",
        "1 x gives no row (first: x.jsonl:3: record 3)",
        "2 left out: another persona (first: x.jsonl:1: record 1)",
    ]
    judge(account, 1, "data.rejects")


def test_reasons_of_a_file_that_has_another_in_every_record_stay_few() -> None:
    ledger, later = Ledger(), Ledger()
    for number in range(1, 1202):
        ledger.reject("x.jsonl", Record(number, number, {}), f"reason {number}")
    later.reject("x.jsonl", Record(1202, 1202, {}), "a later reason")
    later.reject("x.jsonl", Record(1203, 1203, {}), "reason 7")
    ledger.add(later)
    rejected = ledger.close().rejected
    assert len(rejected) == 1001
    assert (rejected[6].reason, rejected[6].count) == ("reason 7", 2)
    assert (rejected[1000].reason, rejected[1000].count) == ("other reasons than the first 1,000", 202)
    assert rejected[1000].places[0] == "x.jsonl:1001: record 1001"


def test_a_later_ledger_adds_its_records_rows_repeats_and_notes() -> None:
    ledger, later = Ledger({"converter": "robot"}), Ledger({"converter": "chat", "split": "by file"})
    ledger.records, ledger.rows, later.records, later.rows = 1, 2, 3, 4
    ledger.contents.remember(7)
    later.contents.remember(7)
    ledger.add(later)
    assert ledger.close(overlap_test=5, overlap_validation=6) == Account(
        records=4, rows=6, duplicates=1, overlap_test=5, overlap_validation=6, notes=("robot", "by file")
    )


@pytest.mark.parametrize("most_in_a_set", [6, 5])
def test_repeats_are_values_seen_before(most_in_a_set: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "SET_VALUES", most_in_a_set)
    repeats = Repeats()
    for value in (1, 2**64 - 1, 1, 1, 0, 2**64 - 1):
        repeats.remember(value)
    assert repeats.count() == 3


@pytest.mark.parametrize("allowed", [5, "5", "42%", "41.7%", 12])
def test_rejects_within_the_limit_pass(allowed: int | str) -> None:
    judge(reject_five(), allowed, "data.rejects")


@pytest.mark.parametrize("allowed", [0, 4, "4", "41%", "0%"])
def test_rejects_over_the_limit_are_told_by_the_first(allowed: int | str) -> None:
    with pytest.raises(UserError) as error:
        judge(reject_five(), allowed, "data.rejects")
    assert str(error.value) == (
        "x.jsonl:8: record 7: missing 'output' "
        f"(5 of 12 records rejected, {allowed} allowed; raise data.rejects to continue)"
    )
