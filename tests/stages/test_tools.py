"""Tools as data: asked by rules, answered from tables, never run."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from stages._tools import ToolCall, Tools, answer, is_allowed, propose, read_call, read_tools

SPEC = r"""
price:
  parameters: {item: {type: string}, most: {type: number, optional: true}}
  rules:
    - {find: 'the (?P<item>\w+) costs'}
    - {find: '(?P<item>\w+) below (?P<most>[\d,.]+)'}
  table: {coat: 2400}
  result: '{{ table[item] }} rupees'
compare:
  parameters: {items: {type: array}, way: {type: string, enum: [price]}}
  rules: [{find: '(?P<items_1>\w+) or (?P<items_2>\w+)', set: {way: price}}]
  result: '{{ items | join(" beats ") }}'
"""


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "tools.yaml").write_text(SPEC)
    return read_tools(tmp_path / "tools.yaml")


def test_rules_ask_with_typed_arguments_behind_the_words_that_ask(tools: Tools) -> None:
    assert list(propose("now the coat costs 2400; a cap below 1,500 or less", tools)) == [
        ToolCall("price", {"item": "coat"}, 18),
        ToolCall("price", {"item": "cap", "most": 1500}, 42),
        ToolCall("compare", {"items": ["500", "less"], "way": "price"}, 50),
    ]


def test_answers_come_from_the_table_or_there_is_none(tools: Tools) -> None:
    assert answer(ToolCall("price", {"item": "coat"}, 0), tools) == "2400 rupees"
    assert answer(ToolCall("price", {"item": "boat"}, 0), tools) is None
    assert answer(ToolCall("compare", {"items": ["a", "b"]}, 0), tools) == "a beats b"


def test_a_result_cannot_reach_out_of_its_sandbox(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("t: {parameters: {}, result: '{{ table.__class__.__mro__[1].__subclasses__() }}'}")
    assert answer(ToolCall("t", {}, 0), read_tools(tmp_path / "t.yaml")) is None


def test_only_calls_that_the_tools_take_are_allowed(tools: Tools) -> None:
    assert is_allowed(ToolCall("price", {"item": "coat", "most": 2.5}, 0), tools)
    assert not is_allowed(ToolCall("price", {"item": 3}, 0), tools)
    assert not is_allowed(ToolCall("price", {}, 0), tools)
    assert not is_allowed(ToolCall("compare", {"items": ["a"], "way": "colour"}, 0), tools)
    assert not is_allowed(ToolCall("weather", {}, 0), tools)


def test_what_a_model_wrote_is_read_and_never_run() -> None:
    assert read_call("<tool>price(item='coat')</tool> and more", 7) == ToolCall("price", {"item": "coat"}, 7)
    assert read_call("<tool>price('coat')</tool>", 7) is None
    assert read_call("<tool>I would say 3</tool>", 7) is None


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("price: {parameters: {}, result: x, ruls: []}", "t.yaml:1:42: price.ruls: Extra inputs are not permitted"),
        ("price:\n  parameters: {}\n  result: '{{ table['", "t.yaml:3:11: price.result: "),
        ("price:\n  parameters: {}\n  result: x\n  rules: [{find: '('}]", "t.yaml:4:18: price.rules.0.find: "),
        ("price: [", "t.yaml:2:1: "),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path: Path, written: str, told: str) -> None:
    (tmp_path / "t.yaml").write_text(written)
    with pytest.raises(UserError) as error:
        read_tools(tmp_path / "t.yaml")
    assert str(error.value).startswith(str(tmp_path / told)) and "\n" not in str(error.value)


def test_the_samples_tools_know_the_answer_to_whatever_they_are_asked() -> None:
    tools = read_tools(PROJECT / "samples" / "augment_tools.yaml")
    asked = list(propose("the Nova bags cost 900, ज़ेटा कोट का दाम 1600, thank you in German is danke", tools))
    assert [(one.name, answer(one, tools)) for one in asked] == [
        ("search", "Nova bags 900 rupees"), ("search", "ज़ेटा कोट 1600 रुपये"), ("translate", "danke"),
    ]  # fmt: skip
