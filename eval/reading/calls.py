"""Calls of an API as a model writes them: a text in, a list of `Call` in normal form out; nothing is ever run.

    robot.turn(direction="left", angle=90)
    ; robot.move_forward(2, speed=0.5)
    → [Call("robot.turn", {"direction": Value("string", "left"), "angle": Value("number", 90)}),
       Call("robot.move_forward", {"distance": Value("number", 2), "speed": Value("number", 0.5)})]

The API is a YAML file: a call's dotted name, then its parameters in positional order (see samples/robot_api.yaml).
"""

import ast
import math
import re
import warnings
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.frozen import Frozen
from recipebook.project import shown
from recipebook.recipe.places import place_of
from recipebook.recipe.yaml_source import load
from recipebook.suggestions import shorten

# An answer is at most a few thousand characters; Python's parser takes a kilobyte of memory for some of them.
MAX_CHARS = 100_000


class Parameter(Frozen):
    """What a parameter takes; the words are JSON Schema's."""

    type: Literal["string", "number", "integer", "boolean", "array"]
    enum: tuple[str | int | float, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    optional: bool = False


Api = dict[str, dict[str, Parameter]]


class Value(NamedTuple):
    """A literal with its kind, so that True differs from 1 while 3 equals 3.0."""

    kind: Literal["string", "number", "boolean", "null", "array", "object"]
    value: Any


class Call(NamedTuple):
    """A call in its normal form; an argument that the API has no name for is called by its position: `#0`."""

    name: str
    arguments: dict[str, Value]


def read_api(path: Path) -> Api:
    """Read an API's calls: dotted name → parameters in positional order."""
    document = load(path, shown(path))
    try:
        api = TypeAdapter(Api).validate_python(document.data)
    except ValidationError as error:
        place = place_of(document.places, error.errors()[0]["loc"])
        raise UserError(f"{place}: {format_first_error(error)}") from None
    for name, parameters in api.items():
        for at in ((name,), *((name, parameter) for parameter in parameters)):
            if fault := _find_name_fault(at[-1], dotted=len(at) == 1):
                raise UserError(f"{document.places[at].key}: {fault}")
    return api


def _find_name_fault(name: str, *, dotted: bool) -> str | None:
    """Why nothing of this name can be read in an answer, whose calls are written as Python's are."""
    parts = name.split(".") if dotted else [name]
    wrong = next((part for part in parts if not part.isidentifier() or iskeyword(part)), None)
    if wrong is None:
        return None
    why = "is a word of Python's own" if iskeyword(wrong) else "is not of letters, digits and _"
    called, part = (on_one_line(shorten(text)) for text in (name, wrong))
    return f"'{called}' cannot be called as Python calls a function: '{part}' {why}"


def parse_calls(text: str, api: Api) -> list[Call] | None:
    """Read the calls of an answer; None if it is anything but one or more calls with literal arguments."""
    if len(text) > MAX_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _parse(text.strip())
        return [_read_call(statement, api) for statement in tree.body] or None
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return None


def make_value(value: Any) -> Value:
    """A value of JSON, or a literal of Python, with its kind."""
    match value:
        case None:
            return Value("null", None)
        case bool():
            return Value("boolean", value)
        case str():
            return Value("string", value)
        case list():
            return Value("array", tuple(map(make_value, value)))
        case dict():
            return Value("object", frozenset((key, make_value(item)) for key, item in value.items()))
    return Value("number", value)


def is_valid(call: Call, api: Api) -> bool:
    """Whether the API has this call with these arguments: names, types, enum, range, none missing."""
    parameters = api.get(call.name)
    return (
        parameters is not None
        and call.arguments.keys() <= parameters.keys()
        and all(parameter.optional or name in call.arguments for name, parameter in parameters.items())
        and all(_is_allowed(value, parameters[name]) for name, value in call.arguments.items())
    )


def _parse(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        # Only when Python refuses it: a string in triple quotes may hold a line that starts with a semicolon.
        return ast.parse(re.sub(r"\n[\s;]*", "\n", text))


def _read_call(statement: ast.stmt, api: Api) -> Call:
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        raise ValueError("not a call")
    call = statement.value
    name = _read_name(call.func)
    arguments: dict[str, Value] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in arguments:
            raise ValueError("not a keyword of its own")
        arguments[keyword.arg] = _read_value(keyword.value)
    names = list(api.get(name, ()))
    for position, node in enumerate(call.args):
        named = position < len(names) and names[position] not in arguments
        arguments[names[position] if named else f"#{position}"] = _read_value(node)
    return Call(name, arguments)


def _read_name(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise ValueError("not a dotted name")
    return ".".join([node.id, *reversed(parts)])


def _read_value(node: ast.expr) -> Value:
    match node:
        case ast.Constant(value=None):
            return Value("null", None)
        case ast.Constant(value=bool(flag)):
            return Value("boolean", flag)
        case ast.Constant(value=str(text)):
            return Value("string", text)
        case ast.Constant(value=int(number) | float(number)) if math.isfinite(number):
            return Value("number", number)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=ast.Constant() as operand):
            kind, number = _read_value(operand)
            if kind == "number":
                return Value("number", -number if isinstance(sign, ast.USub) else number)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return Value("array", tuple(_read_value(item) for item in items))
        case ast.Dict(keys=keys, values=values):
            pairs = {_read_value(key): _read_value(value) for key, value in zip(keys, values, strict=True) if key}
            if len(pairs) == len(keys):
                return Value("object", frozenset(pairs.items()))
    raise ValueError("not a literal")


def _is_allowed(value: Value, parameter: Parameter) -> bool:
    kind = "number" if parameter.type == "integer" else parameter.type
    return (
        value.kind == kind
        and (parameter.type != "integer" or value.value == int(value.value))
        and (parameter.enum is None or value.value in parameter.enum)
        and (parameter.minimum is None or value.value >= parameter.minimum)
        and (parameter.maximum is None or value.value <= parameter.maximum)
    )
