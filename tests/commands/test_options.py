"""Options that several commands share: words in, overrides and settings out, or one line about a wrong one."""

import argparse
from collections.abc import Callable

import pytest

from commands import parse_words
from commands._options import (
    add_choice,
    add_layers,
    add_recipe,
    add_settings,
    count,
    count_or_share,
    folder_name,
    port_number,
    read_layers,
    read_settings,
    run_name,
)
from recipebook.errors import UserError
from recipebook.project import RUNS

Add = Callable[[argparse.ArgumentParser], None]


def parse(*words: str, adds: tuple[Add, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for add in adds:
        add(parser)
    return parser.parse_args(words)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "the metric's own options")


def test_layers_are_overrides_and_gpus_wins_over_them() -> None:
    given = parse("x", "--set", "lora.r=4", "lora.alpha=8", "--gpus", "2", "--set", "training.seed=1",
                  adds=(add_recipe, add_layers))  # fmt: skip
    assert given.recipe == "x"
    assert read_layers(given) == ["lora.r=4", "lora.alpha=8", "training.seed=1", "launch.processes=2"]


def test_without_layers_there_are_no_overrides() -> None:
    assert read_layers(parse(adds=(add_layers,))) == []


def test_settings_are_read_as_yaml() -> None:
    given = parse("--set", "system=Be kind.", "limit=3", "names=[a, b]", "text=", adds=(_add_settings,))
    assert read_settings(given) == {"system": "Be kind.", "limit": 3, "names": ["a", "b"], "text": None}


@pytest.mark.parametrize("word", ["limit", "=3"])
def test_a_setting_without_key_or_value_is_refused(word: str) -> None:
    with pytest.raises(UserError, match=rf"^--set: '{word}' is not key=value$"):
        read_settings(parse("--set", word, adds=(_add_settings,)))


def test_members_are_names_and_patterns_or_the_first_few() -> None:
    given = parse("--only", "joy_plus", "wisdom_*", "--limit", "4", adds=(add_choice,))
    assert (given.only, given.limit) == (["joy_plus", "wisdom_*"], 4)


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_a_count_is_a_whole_number_above_0(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(f"--limit={text}", adds=(add_choice,))
    assert f"argument --limit: '{text}' is not a whole number above 0" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "99999999999999999999", "\u0663", ""])
def test_a_count_is_a_whole_number_of_nine_digits_at_most(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not a whole number above 0, of nine digits at most"):
        count(text)


@pytest.mark.parametrize("text", ["abc", "-1", "nan%", "inf", "1e3", "%", "5 %"])
def test_what_is_neither_a_number_nor_a_share_of_records_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="neither a number of records nor a share such as 10%"):
        count_or_share(text)
    assert [count_or_share(good) for good in ("0", "12", "10%", "2.5%")] == ["0", "12", "10%", "2.5%"]


@pytest.mark.parametrize("text", ["robot-lora", "runs/robot-lora", "./runs/robot-lora/", f"{RUNS}/robot-lora"])
def test_a_run_is_named_by_its_folder_too(text: str) -> None:
    assert run_name(text) == "robot-lora"
    assert run_name("runs/traits/joy@validation") == "traits/joy@validation"


@pytest.mark.parametrize("text", ["lower-rate", "runs/lower-rate", "./runs/lower-rate/", "a.b_c-2"])
def test_a_folder_of_a_run_is_named_by_its_name_or_path(text: str) -> None:
    assert folder_name(text) == text.removeprefix("./").removeprefix("runs/").rstrip("/")


@pytest.mark.parametrize("text", ["../elsewhere", "fleet/member", ".hidden", "", "-x", "/tmp"])
def test_what_is_no_name_of_a_runs_folder_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no name of a folder in runs/"):
        folder_name(text)


@pytest.mark.parametrize("text", ["0", "65536", "99999", "-1", "http", ""])
def test_a_port_is_a_whole_number_up_to_65535(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a port, a whole number from 1 to 65535"):
        port_number(text)
    assert [port_number(good) for good in ("1", "65535")] == [1, 65535]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["human-eval", "a", "--seed", "x"], "argument --seed: 'x' is not a whole number of nine digits at most"),
        (["export", "--to", "openai", "--in", "a", "--out", "b", "--rejects", "few"],
         "argument --rejects: 'few' is neither a number of records nor a share such as 10%"),
        (["merge-adapters", "a", "b", "--weights", "0.7", "x", "--out", "o"],
         "argument --weights: 'x' is not a number, such as 0.7"),
    ],
)  # fmt: skip
def test_a_word_that_is_no_number_is_told_without_words_of_python(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_words(words)
    assert (ended.value.code, capsys.readouterr().err) == (2, f"recipebook {words[0]}: {line}\n")
