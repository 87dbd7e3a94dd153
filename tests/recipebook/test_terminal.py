"""Labelled lines and tables, as they stand on the terminal."""

import io
import sys

import pytest

from recipebook.terminal import (
    align,
    clean_output,
    fit,
    fold,
    format_count,
    format_decimals,
    format_field,
    print_field,
    print_painted,
)


class Terminal(io.StringIO):
    """A terminal of 40 columns."""

    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let a terminal have what is printed."""
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout", terminal := Terminal())
    return terminal


def test_texts_of_all_labels_begin_in_the_same_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_field("found", "runs/x: same recipe, data and versions")
    print_field("", "the whole log: runs/x/train.log")
    assert capsys.readouterr().out == (
        "found     runs/x: same recipe, data and versions\n          the whole log: runs/x/train.log\n"
    )
    assert format_field("would run", "for the first time") == "would run for the first time"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    table = align([("run", "loss", ""), ("robot-lora", "0.0312", "good"), ("x", "1", "")])
    assert table == "run         loss\nrobot-lora  0.0312  good\nx           1"


def test_no_row_may_have_fewer_cells() -> None:
    with pytest.raises(ValueError, match="shorter"):
        align([("run", "loss"), ("x",)])


def test_nothing_of_data_or_names_is_obeyed_by_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2Jgone\x07\x08 \x9b1m \u202egpj.exe \udcff back\rover\x7f"
    with clean_output():
        print(hostile)
        print("caf\u00e9\ttab \U0001f916\u200d", file=sys.stderr)
    shown = capsys.readouterr()
    assert shown.out == ("\\u001b[2Jgone\\u0007\\u0008 \\u009b1m \\u202egpj.exe \\udcff back\\u000dover\\u007f\n")
    assert shown.err == "caf\u00e9\ttab \U0001f916\u200d\n"


def test_marked_texts_are_in_brackets_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with clean_output():
        print_painted("row 1  ", [("say\n", False), ("\x1b[2J", True)])
    assert capsys.readouterr().out == "row 1  say\\n[[\\u001b[2J]]\n"


def test_a_library_may_redraw_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    with clean_output():
        sys.stderr.writelines(["\r 50 %", "\r100 %\n"])
    assert capsys.readouterr().err == "\r 50 %\r100 %\n"


@pytest.mark.parametrize(
    ("line", "folded"),
    [
        ("steps     32: 8 an epoch, 16 records a step", "steps     32: 8 an epoch, 16 records a\n          step"),
        ("          0 train rows share their prompt with test",
         "          0 train rows share their\n          prompt with test"),
        ("near-duplicates   29 of 29 test rows have one",
         "near-duplicates   29 of 29 test rows\n                  have one"),
        ("would run for the first time, as recipe and data are new",
         "would run for the first time, as recipe\n          and data are new"),
        ("one training seed: another seed may differ", "one training seed: another seed may\n  differ"),
        ("found     runs/a-name/that/has/no/blank/at/all/in/it so",
         "found     runs/a-name/that/has/no/blank/at/all/in/it\n          so"),
    ],
)  # fmt: skip
def test_what_is_too_wide_goes_on_below_the_text_of_its_label(line: str, folded: str) -> None:
    assert fold(f"short\n{line}\n", 40) == f"short\n{folded}\n"


def test_a_table_that_is_too_wide_has_each_name_whole_above_its_cells() -> None:
    topic = "a_topic_of_one_long_word_" * 4
    found = fit([("exact by topic", "base", "tuned"), (f"  {topic} (24)", "0.000", "0.750"), ("short (3)", "0.1", "1")])
    assert found.splitlines() == [
        "exact by topic",
        "  base   tuned",
        f"  {topic} (24)",
        "  0.000  0.750",
        "short (3)",
        "  0.1    1",
    ]


def test_the_first_cells_of_a_row_can_be_its_name_together() -> None:
    long = "a" * 70
    assert fit([("1 =", long, "0.750"), ("2", "b", "0.5")], names=2).splitlines() == [
        f"1 =  {long}",
        "     0.750",
        "2    b",
        "     0.5",
    ]


def test_a_terminal_gets_lines_that_fit_and_a_pipe_whole_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = open_terminal(monkeypatch)
    line = "one training seed: another seed may differ"
    with clean_output():
        print(line)
        print(line, file=sys.stderr)
    assert terminal.getvalue() == "one training seed: another seed may\n  differ\n"
    assert capsys.readouterr().err == f"{line}\n"


def test_colours_take_no_columns_that_the_text_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with clean_output():
        print_painted("row 1     ", [("turn left and then", False), ("robot.stop() at once, please", True)])
    assert terminal.getvalue() == (
        "row 1     turn left and\n          then\x1b[32mrobot.stop() at once,\n          please\x1b[0m\n"
    )


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.84512, "", "0.845"),
        (0.0005, "+", "+0.001"),
        (0.0003, "+", "+0.0003"),
        (-0.00012, "+", "-0.0001"),
        (0.0000234, "", "2e-05"),
        (0.0, "+", "+0.000"),
        (-0.0, "", "0.000"),
        # One tenth three times, less three tenths.
        (5.551115123125783e-17, "+", "+0.000"),
        (-5.551115123125783e-17, "", "0.000"),
    ],
)
def test_a_value_has_three_decimals_or_its_first_digit(value: float, sign: str, text: str) -> None:
    assert format_decimals(value, 3, sign) == text


def test_one_of_something_is_counted_in_the_singular() -> None:
    assert [format_count(count, "test rows, the last turn of each") for count in (0, 1, 12)] == [
        "0 test rows, the last turn of each",
        "1 test row, the last turn of each",
        "12 test rows, the last turn of each",
    ]
