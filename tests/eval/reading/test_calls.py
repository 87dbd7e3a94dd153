"""Calls are read, never run; whatever is not a call with literal arguments is no answer."""

from pathlib import Path

import pytest

from eval.reading.calls import Api, Call, Parameter, Value, is_valid, parse_calls, read_api
from recipebook.errors import UserError

API: Api = {
    "light.dim": {
        "level": Parameter(type="integer", minimum=0, maximum=9),
        "room": Parameter(type="string", optional=True),
    }
}


def test_positional_arguments_get_their_names_from_the_api() -> None:
    assert parse_calls("light.dim(3, 'hall')", API) == [
        Call("light.dim", {"level": Value("number", 3), "room": Value("string", "hall")})
    ]


def test_positional_arguments_without_a_name_keep_their_position() -> None:
    assert parse_calls("fan.on(3)", API) == [Call("fan.on", {"#0": Value("number", 3)})]
    assert parse_calls("light.dim(3, level=4)", API) == [
        Call("light.dim", {"level": Value("number", 4), "#0": Value("number", 3)})
    ]


@pytest.mark.parametrize("separator", ["\n", ";", "; ", "\n;", ";\n", " ;\n  ", "\n\n ; "])
def test_calls_are_separated_by_lines_or_semicolons(separator: str) -> None:
    assert parse_calls(f"a(){separator}b.c()", {}) == [Call("a", {}), Call("b.c", {})]


def test_a_string_keeps_its_semicolons_and_lines() -> None:
    assert parse_calls('say(text="a; b")\nsay(text="""c\n;d""")', {}) == [
        Call("say", {"text": Value("string", "a; b")}),
        Call("say", {"text": Value("string", "c\n;d")}),
    ]


def test_nested_literals_are_values() -> None:
    assert parse_calls("go(way=[(1, -2)], how={'fast': True})", {}) == [
        Call(
            "go",
            {
                "way": Value("array", (Value("array", (Value("number", 1), Value("number", -2))),)),
                "how": Value("object", frozenset({(Value("string", "fast"), Value("boolean", True))})),
            },
        )
    ]


@pytest.mark.parametrize(
    "text",
    ["", " \n", "# none", "Sure!", "a", "a = b()", "a()()", "a[0]()", "(lambda: 0)()", "a(b)", "a(b())", "a(1 + 1)",
     "a(*[1])", "a(**{})", "a(x=1, x=2)", "a(f'{1}')", "a(-True)", "a(-'x')", "a(b'x')", "a(1j)", "a(1e999)", "a(...)",
     "import os", "a() b()", "a(", "\0", "a({**{}})", "if 1: a()", "await a()", "a(x=" + "9" * 5000 + ")",
     "a(x=" + "9" * 400 + ")", "a(x=" + "[" * 5000, "a(x=" + "[" * 150 + "]" * 150 + ")x", "-" * 90_000 + "1",
     "a" + ".a" * 40_000 + "(", "a(x=" + "1+" * 40_000 + "1)", "a();" * 30_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_anything_else_is_no_answer(text: str) -> None:
    assert parse_calls(text, API) is None


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("light.dim(3)", True),
        ("light.dim(level=3.0, room='hall')", True),
        ("light.dim(level=3.5)", False),
        ("light.dim(level=10)", False),
        ("light.dim(level=-1)", False),
        ("light.dim(level='3')", False),
        ("light.dim(level=True)", False),
        ("light.dim(room='hall')", False),
        ("light.dim(3, 'hall', 4)", False),
        ("light.dim(3, colour='red')", False),
        ("light.off()", False),
    ],
)
def test_a_call_is_valid_if_the_api_allows_it(text: str, valid: bool) -> None:
    calls = parse_calls(text, API)
    assert calls is not None
    assert [is_valid(call, API) for call in calls] == [valid]


def test_a_misspelt_word_in_the_api_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("robot.stop: {}\nrobot.turn:\n  angle: {type: number}\n  speed: {type: number, minimun: 3}\n")
    with pytest.raises(UserError) as error:
        read_api(path)
    assert str(error.value) == f"{path}:4:34: robot.turn.speed.minimun: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lift.raise: {}\n", "1:1: 'lift.raise' {}: 'raise' is a word of Python's own"),
        ("stop: {}\nfork-up: {}\n", "2:1: 'fork-up' {}: 'fork-up' is not of letters, digits and _"),
        ("go:\n  from: {type: string}\n", "2:3: 'from' {}: 'from' is a word of Python's own"),
    ],
)  # fmt: skip
def test_a_name_that_no_answer_can_call_is_refused_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_api(path)
    assert str(error.value) == f"{path}:{line.replace('{}', 'cannot be called as Python calls a function')}"


def test_an_api_that_is_not_there_or_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml: cannot be read: No such file"):
        read_api(tmp_path / "none.yaml")
    path = tmp_path / "api.yaml"
    path.write_text("a: {}\nb: {\n")
    with pytest.raises(UserError, match=r"api\.yaml:3:1: did not find expected"):
        read_api(path)
