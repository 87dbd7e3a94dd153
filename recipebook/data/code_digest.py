"""Source code in, a hash of what it does out: cached rows and finished stages are reused while the hash stays.

    "import json\n\ndef double(x):\n    '''Twice x.'''\n    return 2 * x  # fast"  and
    "def double(x):\n\n    return 2 * x"  have the same hash

Imports, docstrings, descriptions of options, comments and positions are left out, so that a module may move, and its
docstrings change, while its results are still reused. What a module imports from our own modules is hashed
with it.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from recipebook.files import digest

OURS = ("converters", "recipebook")


def digest_module(module: ModuleType) -> str:
    """Hash a module together with the modules of ours that it imports from, and they in turn."""
    found: dict[str, ast.Module] = {}
    waiting = [module.__name__]
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] in OURS and name in sys.modules and name not in found:
            found[name] = ast.parse(inspect.getsource(sys.modules[name]))
            waiting += _list_imported(found[name])
    return _digest_trees(found.values())


def digest_kind(path: Path) -> str:
    """Hash a kind of stage together with the helpers beside it, whose names begin with an underscore."""
    return digest_sources([path, *(helper for helper in path.parent.glob("_*.py") if not helper.stem.startswith("__"))])


def digest_sources(paths: Iterable[Path]) -> str:
    """Hash files of source code; their names and order do not count."""
    return _digest_trees(ast.parse(path.read_bytes()) for path in paths)


def _digest_trees(trees: Iterable[ast.Module]) -> str:
    return digest(*sorted(_describe(tree) for tree in trees))


def _list_imported(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _describe(node: Any) -> str:
    """A syntax tree as text; written out here, as `ast.dump` differs between versions of Python."""
    if isinstance(node, list):
        return f"[{','.join(_describe(item) for item in node if not _is_words(item))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Field":
        kept = [keyword for keyword in node.keywords if keyword.arg != "description"]
        fields = [(name, kept if name == "keywords" else value) for name, value in fields]
    return f"{type(node).__name__}({','.join(f'{name}={_describe(value)}' for name, value in fields)})"


def _is_words(node: Any) -> bool:
    """Whether rows come out the same without it: an import, a text that stands alone, or how rows are evaluated."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [getattr(target, "id", "") for target in targets] == ["METRICS"]
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Import | ast.ImportFrom)
