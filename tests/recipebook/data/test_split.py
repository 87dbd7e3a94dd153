"""The split: records that agree stay together, and nothing else decides."""

import hashlib
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recipebook.data.split import choose_part, hash_answer, hash_prompt, hash_row, normalise
from recipebook.recipe.data_keys import Split
from recipebook.rows import BadRecord, Message, Row

BY_INPUT = Split(by=("input",))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("  Stop,\t please!\n", "stop, please"),
        ("\uff33\uff34\uff2f\uff30", "stop"),
        ("Straße", "strasse"),
        ("«Arrête»…", "arrête"),
        ("रुको।", "रुको"),
        ("की", "की"),
        ("?!", "?!"),
        ("", ""),
    ],
)
def test_text_is_reduced_to_what_makes_it_the_same(text: str, same: str) -> None:
    assert normalise(text) == same


@given(st.text())
def test_spacing_and_case_of_ascii_never_part_records(text: str) -> None:
    other = "  " + text.replace(" ", " \t ") + "\n"
    assert choose_part({"input": text}, BY_INPUT) == choose_part({"input": other, "output": "x"}, BY_INPUT)


def test_shares_are_met_within_a_percent() -> None:
    split = Split(validation=0.1, test=0.2, by=("input",))
    parts = [choose_part({"input": f"go {number}"}, split) for number in range(20_000)]
    shares = {part: parts.count(part) / 20_000 for part in set(parts)}
    assert shares == pytest.approx({"train": 0.7, "validation": 0.1, "test": 0.2}, abs=0.01)


def test_parts_are_the_same_on_every_machine() -> None:
    split = Split(test=0.3, by=("input",))
    parts = "".join(choose_part({"input": f"go {number}"}, split)[1] for number in range(20))
    assert parts == "rrerrarreaeearrrrerr"


def test_a_share_ends_before_its_bound() -> None:
    # The hash of [42,"go"], which is read from left to right, over 2^64.
    share = int.from_bytes(hashlib.blake2b(b'[42,"go"]', digest_size=8).digest(), "big") / 2**64
    above = math.nextafter(share, 1.0)

    def choose(validation: float, test: float) -> str:
        return choose_part({"input": "go"}, Split(validation=validation, test=test, by=("input",)))

    assert (choose(0.0, share), choose(0.0, above)) == ("train", "test")
    assert (choose(share, 0.0), choose(above, 0.0)) == ("train", "validation")


def test_records_that_are_the_same_but_for_what_is_left_out_stay_together() -> None:
    split = Split(test=0.5, by=("input",), without=r"[0-9]+(\.[0-9]+)?")
    parts = {choose_part({"input": f"Go {number / 2} m, then stop {number}."}, split) for number in range(100)}
    assert len(parts) == 1
    assert choose_part({"input": "go m then stop"}, split) != choose_part({"input": "go m, then stop"}, split)


def test_a_text_of_which_nothing_stays_is_still_a_text() -> None:
    split = Split(by=("input", "user"), without="[0-9]+")
    assert choose_part({"input": "12", "user": 3}, split) == choose_part({"input": "7", "user": 3}, split)


def test_records_without_a_text_to_leave_something_out_of_are_refused() -> None:
    split = Split(by=("user", "turns"), without="[0-9]+")
    with pytest.raises(BadRecord, match=r"^no text in user, turns, of which data\.split\.without leaves"):
        choose_part({"user": 3, "turns": ["go 2 m"]}, split)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"without": "[0-9]+"}, "without needs by to name the fields"),
        ({"without": "[0-9]+", "by": ["user"], "file": "parts.json"}, "without is for shares"),
        ({"without": "[0-9", "by": ["input"]}, "without is no regular expression: unterminated character set"),
    ],
)
def test_what_cannot_be_left_out_is_refused(settings: dict[str, object], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Split.model_validate(settings)


def test_seed_moves_records() -> None:
    def choose(seed: int) -> list[str]:
        return [choose_part({"input": f"go {number}"}, Split(seed=seed, by=("input",))) for number in range(200)]

    assert choose(1) != choose(2)


def test_another_validation_share_moves_no_test_record() -> None:
    for number in range(500):
        record = {"input": f"go {number}"}
        small, large = (choose_part(record, Split(validation=share, test=0.2)) for share in (0.1, 0.5))
        assert (small == "test") == (large == "test")


def test_whole_record_decides_without_fields_and_key_order_does_not() -> None:
    for number in range(50):
        assert choose_part({"a": 1, "b": number}, Split()) == choose_part({"b": number, "a": 1}, Split())


def test_values_that_are_not_text_count_too() -> None:
    parts = {choose_part({"persona": number}, Split(by=("persona",))) for number in range(100)}
    assert parts == {"train", "validation", "test"}


def test_missing_field_is_a_bad_record() -> None:
    with pytest.raises(BadRecord, match=r"^missing 'input', which data\.split\.by names$"):
        choose_part({"output": "x"}, BY_INPUT)


def test_record_too_deep_to_compare_is_a_bad_record() -> None:
    record: dict[str, object] = {}
    for _ in range(400):
        record = {"a": record}
    with pytest.raises(BadRecord, match=r"^nested too deeply$"):
        choose_part(record, Split())


def say(*turns: tuple[str, str], pair: Sequence[tuple[str, str]] = ()) -> Row:
    messages: list[Message] = [{"role": role, "content": content} for role, content in (*turns, *pair)]
    row: Row = {"messages": messages[: len(turns)], "meta": {}}
    if pair:
        row["chosen"], row["rejected"] = messages[len(turns) :]
    return row


USER, ANSWER, OTHER = ("user", "Stop,  please!"), ("assistant", "robot.stop()"), ("assistant", "robot.halt()")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (say(USER, ANSWER), say(("user", "stop, please"), OTHER)),
        (say(USER, ANSWER), say(USER)),
        (say(USER, ANSWER, USER, ANSWER), say(USER, ANSWER, USER, OTHER)),
        # What stands behind the last answer is no prompt of it.
        (say(USER, ANSWER, USER), say(USER, OTHER)),
        (say(USER, pair=(ANSWER, OTHER)), say(USER, pair=(OTHER, ANSWER))),
        (say(USER, pair=(ANSWER, OTHER)), say(USER, ANSWER)),
    ],
)
def test_the_same_prompt_has_the_same_hash_whatever_is_answered(one: Row, other: Row) -> None:
    assert hash_prompt(one) == hash_prompt(other)


CALL = {"function": {"name": "look", "arguments": "{}"}}
CALLING: Message = {"role": "assistant", "content": "", "tool_calls": [CALL]}
SEEN: Message = {"role": "tool", "content": "a wall"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (say(USER, ANSWER), say(("user", "go"), ANSWER)),
        (say(USER, ANSWER), say(("system", USER[1]), ANSWER)),
        (say(USER, ANSWER), say(USER, USER, ANSWER)),
        (say(USER, ANSWER, USER, ANSWER), say(USER, OTHER, USER, ANSWER)),
        (say(USER, ANSWER), say()),
        # Of a pair, the answers stand apart; all of its messages are its prompt.
        (say(USER, ANSWER, pair=(OTHER, OTHER)), say(USER, OTHER, pair=(OTHER, OTHER))),
        (
            {"messages": [CALLING, SEEN, {"role": "assistant", "content": "x"}], "meta": {}},
            {"messages": [{**CALLING, "tool_calls": []}, SEEN, {"role": "assistant", "content": "x"}], "meta": {}},
        ),
    ],
)
def test_another_prompt_has_another_hash(one: Row, other: Row) -> None:
    assert hash_prompt(one) != hash_prompt(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (say(USER, ANSWER), say(("user", "go"), ("assistant", "Robot.stop( )"))),
        (say(USER, OTHER, USER, ANSWER), say(USER, ANSWER)),
        (say(USER, pair=(ANSWER, OTHER)), say(("user", "go"), pair=(ANSWER, OTHER))),
    ],
)
def test_the_same_answer_has_the_same_hash_whatever_was_asked(one: Row, other: Row) -> None:
    assert hash_answer(one) == hash_answer(other)
    assert hash_row(one) != hash_row(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (say(USER, ANSWER), say(USER, OTHER)),
        (say(USER, ANSWER, USER, OTHER), say(USER, OTHER, USER, ANSWER)),
        (say(USER, pair=(ANSWER, OTHER)), say(USER, pair=(ANSWER, ANSWER))),
        (say(USER, ANSWER), say(USER)),
    ],
)
def test_another_answer_has_another_hash(one: Row, other: Row) -> None:
    assert hash_answer(one) != hash_answer(other)
    assert hash_row(one) != hash_row(other)


def test_equal_rows_have_equal_hashes_of_all_kinds() -> None:
    one, other = say(USER, ANSWER), say(("user", "stop, please"), ANSWER)
    assert (hash_prompt(one), hash_answer(one), hash_row(one)) == (
        hash_prompt(other),
        hash_answer(other),
        hash_row(other),
    )


def test_the_whole_chat_before_an_answer_with_a_label_is_its_prompt() -> None:
    good: Row = {"messages": [CALLING, SEEN], "answer": SEEN, "label": True, "meta": {}}
    bad: Row = {"messages": [CALLING, SEEN], "answer": CALLING, "label": False, "meta": {}}
    assert hash_prompt(good) == hash_prompt(bad)
    assert hash_prompt(good) != hash_prompt({**good, "messages": [CALLING]})
