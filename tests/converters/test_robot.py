"""The robot converter: calls one a line, otherwise as they were written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.robot import Options, convert, split_calls
from recipebook.rows import BadRecord


def convert_output(output: Any) -> str:
    (row,) = convert({"input": "do it", "output": output}, Options())
    return row["messages"][1]["content"]


@pytest.mark.parametrize(
    ("output", "calls"),
    [
        ("a(); b()", "a()\nb()"),
        ("a()\nb()", "a()\nb()"),
        ("a();\n\n b();", "a()\nb()"),
        ("a()\r\nb()\n;c()", "a()\nb()\nc()"),
        ("a()\n<|endoftext|>\n", "a()"),
        ("a()<|endoftext|>", "a()"),
        ('say("a; b\nc"); d()', 'say("a; b\nc")\nd()'),
        ("say('a; b'); d()", "say('a; b')\nd()"),
        (r'say("a\"; b"); d()', 'say("a\\"; b")\nd()'),
        ("""say('"', "x;y"); d()""", """say('"', "x;y")\nd()"""),
        ("it's done; d()", "it's done\nd()"),
        ('say("a); d()', 'say("a)\nd()'),
        ("a( x = 1 )  ", "a( x = 1 )"),
        ("a();\\", "a()\n\\"),
    ],
)
def test_output_is_split_between_line_ends_and_semicolons(output: str, calls: str) -> None:
    assert "\n".join(split_calls(output.replace("\r\n", "\n"))) == calls


@pytest.mark.parametrize(
    "output",
    [
        "stop()",
        "robot.stop()",
        'robot.say("it\'s (almost) done; wait")',
        "robot.go(to=(1, 2), via=[3, {'x': 4}])",
        "robot.stop()  # at once",
        "# first the arm\nrobot.arm.fold()",
        "robot.say(\n)".replace("\n", " "),
        "rob\u00f6t.halt ( 3 )",
    ],
)
def test_calls_as_python_reads_them_are_rows(output: str) -> None:
    assert convert_output(output) == output


@pytest.mark.parametrize(
    "output",
    [
        "I am afraid I cannot do that.",
        "'''error_input'''",
        "'''bathroom.light.set_brightness(20),hall.door.open(),'''",
        "hall.door.open(), kitchen.light.on()",
        "robot.stop",
        "robot.stop(",
        "robot.stop() now",
        "x = robot.scan()",
        "robot.stop(); it's done",
        "robot.go(" + "(" * 5_000 + ")" * 5_001,
        "robot.go((" + "1, " * 40_000 + "))",
    ],
)
def test_what_is_no_call_is_refused_with_the_field(output: str) -> None:
    with pytest.raises(BadRecord, match=r"^'output' has text that is no call such as robot.stop\(\)$"):
        convert_output(output)
    with pytest.raises(BadRecord, match=r"^'output_list' has text that is no call"):
        convert({"input": "do it", "output_list": ["stop()", output]}, Options())


CALL = st.from_regex(r"""(rob|arm)(\.[f-h]{1,4})?\((x="[a-z; '\n]*"|y='[a-z;"\n]*'|z=[0-9]+)?\)""", fullmatch=True)


@given(calls=st.lists(CALL, min_size=1), separator=st.sampled_from(["\n", ";", "\n;", "; "]))
def test_joined_calls_come_back_one_a_line(calls: list[str], separator: str) -> None:
    assert convert_output(separator.join(calls)) == "\n".join(calls)


@given(output=st.text(st.sampled_from("ab ;\n\"'\\")))
def test_nothing_but_separators_and_blanks_is_lost(output: str) -> None:
    def keep(text: str) -> str:
        return "".join(text.replace(";", "").split())

    assert keep("".join(split_calls(output))) == keep(output)


def test_backslashes_and_quotes_by_the_megabyte_take_one_pass() -> None:
    output = "'" + "\\'" * 1_000_000 + "; stop()"
    assert split_calls(output) == output.split("; ")
    with pytest.raises(BadRecord, match="no call"):
        convert_output(output)


def test_null_fields_count_as_absent() -> None:
    record = {"input": "stop", "output": None, "output_list": ["stop()"], "category": None}
    assert convert(record, Options()) == [
        {
            "messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "stop()"}],
            "meta": {"category": "uncategorised"},
        }
    ]


def test_carriage_returns_in_a_command_become_line_feeds() -> None:
    (row,) = convert({"input": "stop\r\nnow", "output": "stop()"}, Options())
    assert row["messages"][0]["content"] == "stop\nnow"
