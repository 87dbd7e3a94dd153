"""Tools as data: their parameters, the texts in which they are called, and their results; nothing is ever run.

In: a YAML file

    price:
      parameters: {item: {type: string}}
      rules:
        - {find: 'the (?P<item>Nova watch|Zeta lamp) costs', set: {}}
      table: {Nova watch: 2400, Zeta lamp: 350}
      result: '{{ table[item] }} rupees'

Out of `the Nova watch costs 2400 rupees`: `ToolCall("price", {"item": "Nova watch"}, 20)`, with the result
`2400 rupees`. A rule is a regular expression; its named groups and `set` are the arguments, and the call's place is
where the match ends. `items_1` and `items_2` are the items of the array `items`. A result is a template over the
arguments and the `table`; if it needs a value that they lack, there is no result.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from eval.reading.calls import Parameter, is_valid, parse_calls
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.project import shown
from recipebook.recipe.faults import format_faults, list_invalid
from recipebook.recipe.yaml_source import load
from recipebook.text.call_arguments import format_arguments
from recipebook.text.inline_calls import find_calls

_NUMBERED = re.compile(r"(.+)_[0-9]+")
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class Rule(Frozen):
    """A place in a text where a tool may be called, and the arguments of the call."""

    find: re.Pattern[str] = Field(description="a regular expression; named groups are arguments")
    set: dict[str, Any] = Field(default_factory=dict, description="arguments that no group gives")


class Tool(Frozen):
    """One tool of the file."""

    parameters: dict[str, Parameter]
    rules: tuple[Rule, ...] = ()
    table: dict[str, Any] = Field(default_factory=dict, description="values that the result may look up")
    result: str = Field(description="a Jinja template that sees the arguments and `table`")

    @field_validator("result")
    @classmethod
    def _is_template(cls, result: str) -> str:
        try:
            _ENVIRONMENT.parse(result)
        except TemplateError as error:
            raise ValueError(str(error)) from None
        return result

    @cached_property
    def template(self) -> Template:
        """The result, compiled."""
        return _ENVIRONMENT.from_string(self.result)


class ToolCall(NamedTuple):
    """A call that might help, and its place in the text: after the last character that is not blank."""

    name: str
    arguments: dict[str, Any]
    position: int


Tools = dict[str, Tool]


def read_tools(path: Path) -> Tools:
    """Read the file of tools."""
    document = load(path, shown(path))
    try:
        return TypeAdapter(Tools).validate_python(document.data)
    except ValidationError as error:
        raise UserError("\n".join(format_faults(list_invalid(error, ()), document.places))) from None


def propose(text: str, tools: Tools) -> Iterator[ToolCall]:
    """The calls that the rules propose, tool by tool."""
    for name, tool in tools.items():
        for rule in tool.rules:
            for found in rule.find.finditer(text):
                arguments = {**_type(found.groupdict(), tool.parameters), **rule.set}
                yield ToolCall(name, arguments, len(text[: found.end()].rstrip()))


def read_call(written: str, position: int) -> ToolCall | None:
    """The first call in the text `written` by a model; None if there is none."""
    for call in find_calls(written):
        return ToolCall(call.name, call.arguments, position) if not call.positional else None
    return None


def is_allowed(asked: ToolCall, tools: Tools) -> bool:
    """Whether the tool exists and takes these arguments."""
    if asked.name not in tools:
        return False
    api = {asked.name: tools[asked.name].parameters}
    try:
        calls = parse_calls(f"{asked.name}({format_arguments(asked.arguments)})", api)
    except ValueError:
        return False
    return calls is not None and all(is_valid(call, api) for call in calls)


def answer(asked: ToolCall, tools: Tools) -> str | None:
    """The tool's result; None if its template lacks a value."""
    tool = tools[asked.name]
    try:
        return tool.template.render(asked.arguments, table=tool.table).strip() or None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError):
        return None


def _type(groups: dict[str, str | None], parameters: dict[str, Parameter]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for group, said in groups.items():
        if said is None:
            continue
        numbered = _NUMBERED.fullmatch(group)
        if group not in parameters and numbered and numbered[1] in parameters:
            arguments.setdefault(numbered[1], []).append(said)
        else:
            arguments[group] = _read_value(said, parameters[group].type if group in parameters else "string")
    return arguments


def _read_value(said: str, kind: str) -> Any:
    if kind in ("number", "integer"):
        try:
            number = float(said.replace(",", ""))
        except ValueError:
            return said
        return int(number) if number == int(number) else number
    if kind == "array":
        return [said]
    return said.lower() in ("true", "yes", "on") if kind == "boolean" else said
