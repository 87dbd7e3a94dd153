"""Names in source: a class name means one thing, and a function's first word says what the function does."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_SOURCE = ("tests", "runs", "shared")
# Each extension has its own.
COMMON = "Options"
UNCLEAR = ("tell", "say", "show")
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef


def parse_source() -> dict[str, ast.Module]:
    folders = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "_"))]
    paths = [path for folder in folders if folder.name not in NOT_SOURCE for path in folder.rglob("*.py")]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes()) for path in sorted(paths)}


TREES = parse_source()


def list_functions(verb: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions and methods whose name begins with the verb, each with its place."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, DEFINITIONS) and node.name.lstrip("_").split("_")[0] == verb:
                yield f"{path}:{node.lineno}: {node.name}", node


def list_calls(node: ast.AST) -> set[str]:
    """The names that are called in it, without what stands before the last dot."""
    called = [inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call)]
    return {name.id for name in called if isinstance(name, ast.Name)} | {
        name.attr for name in called if isinstance(name, ast.Attribute)
    }


def test_the_source_is_found() -> None:
    assert {"recipebook/files.py", "eval/evaluate.py", "converters/robot.py", "samples/_generator.py"} <= TREES.keys()


def test_no_two_classes_have_one_name() -> None:
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name != COMMON:
                places[node.name.lstrip("_")].append(f"{path}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_function_leaves_open_whether_it_returns_prints_or_writes() -> None:
    assert [place for verb in UNCLEAR for place, _ in list_functions(verb)] == []


def test_what_formats_prints_nothing_and_returns_something() -> None:
    formatting = list(list_functions("format"))
    assert len(formatting) > 20
    assert [place for place, node in formatting if "print" in list_calls(node)] == []
    assert [place for place, node in formatting if node.returns is None or ast.unparse(node.returns) == "None"] == []


def test_what_prints_does() -> None:
    printing = list(list_functions("print"))
    assert len(printing) > 5
    names = {"print", *(node.name for _, node in printing)}
    assert [place for place, node in printing if not list_calls(node) & names] == []


def test_what_writes_returns_no_text() -> None:
    texts = [place for place, node in list_functions("write") if node.returns and ast.unparse(node.returns) == "str"]
    assert texts == []
