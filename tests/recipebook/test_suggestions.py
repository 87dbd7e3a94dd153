"""What a message says of a name that is not there, and shows of a value."""

import pytest

from recipebook.suggestions import offer, quote, shorten, suggest


def test_a_near_name_is_suggested_and_a_short_list_is_named() -> None:
    assert suggest("epoch", ["epochs", "seed"]) == "; did you mean 'epochs'?"
    assert suggest("xyz", ["epochs", "seed"]) == "; it has: epochs, seed"
    assert suggest("xyz", [f"key_{number}" for number in range(17)]) == ""
    assert suggest("xyz", []) == ""
    assert suggest("LoRA", ["lora", "training"]) == "; did you mean 'lora'?"


def test_files_are_offered_in_full() -> None:
    assert offer("robt", ["echo", "robot"]) == "; did you mean 'robot'? it has: echo, robot"
    assert offer("xyz", []) == "; it has: nothing yet"
    assert offer("sft", ["SFT"]) == "; did you mean 'SFT'? it has: SFT"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": 1}, "a mapping"),
        ([1, 2], "a list"),
        (None, "null"),
        (True, "true"),
        ("it's", '"it\'s"'),
        ("a" * 58, "'" + "a" * 58 + "'"),
        ("a" * 59, "'" + "a" * 56 + "..."),
    ],
)
def test_a_value_is_shown_as_it_was_written(value: object, shown: str) -> None:
    assert quote(value) == shown


def test_a_text_is_cut_to_its_limit() -> None:
    assert shorten("a" * 60) == "a" * 60
    assert shorten("a" * 61) == "a" * 57 + "..."
    assert shorten("0123456789", 9) == "012345..."
    assert shorten("a\nb\x1b[2J é 学") == "a\\nb\\x1b[2J é 学"
