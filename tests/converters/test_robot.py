"""The robot converter: calls one a line, otherwise as they were written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.robot import Options, convert
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
def test_output_is_split_into_calls(output: str, calls: str) -> None:
    assert convert_output(output) == calls


CALL = st.from_regex(r"""[a-z.]{1,9}\((x="[a-z; '\n]*"|y='[a-z;"\n]*'|z=[0-9]+)?\)""", fullmatch=True)


@given(calls=st.lists(CALL, min_size=1), separator=st.sampled_from(["\n", ";", "\n;", "; "]))
def test_joined_calls_come_back_one_a_line(calls: list[str], separator: str) -> None:
    assert convert_output(separator.join(calls)) == "\n".join(calls)


@given(output=st.text(st.sampled_from("ab ;\n\"'\\")))
def test_nothing_but_separators_and_blanks_is_lost(output: str) -> None:
    def keep(text: str) -> str:
        return "".join(text.replace(";", "").split())

    try:
        assert keep(convert_output(output)) == keep(output)
    except BadRecord as reason:
        assert keep(output) == "" and str(reason) in ("'output' is empty", "holds no call")


def test_backslashes_and_quotes_by_the_megabyte_take_one_pass() -> None:
    output = "'" + "\\'" * 1_000_000 + "; stop()"
    assert convert_output(output) == output.replace("; ", "\n")


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
