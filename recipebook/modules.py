"""Extension files, found by their names: a kind of extension and a name in; the file or its module out.

    load(CONVERTER, "robot")  →  the module converters/robot.py
    load(CONVERTER, "robto")  →  no converter 'robto' in converters/; did you mean 'robot'? it has: chat, echo, …

Files whose names begin with an underscore only help the others. To add an extension is to add its file.
"""

import functools
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.project import INSTALLATION, PROJECT, list_roots
from recipebook.suggestions import offer, shorten


class Kind(NamedTuple):
    """One kind of extension: its word in messages, the folder of its files, and how their names end."""

    word: str
    folder: str
    ending: str = ".py"


CONVERTER = Kind("converter", "converters")
# In place of a converter's name: whichever recognises the first records.
AUTO = "auto"
METRIC = Kind("metric", "eval/metrics")
EXPORT = Kind("export", "exports")
SERVICE = Kind("service", "services")
STAGE = Kind("kind of stage", "stages")
TEMPLATE = Kind("template", "templates", ".yaml.j2")
CHAT_TEMPLATE = Kind("chat template", "templates/chat", ".jinja")
PROFILE = Kind("profile", "recipes/profiles", ".yaml")


def list_names(kind: Kind, root: Path = PROJECT) -> list[str]:
    """The names of a kind's extensions, the project's own among them, sorted; none where there is no folder."""
    files = {name for each in list_roots(root) for name in _list_files(each, kind)}
    own = (name for name in files if name.endswith(kind.ending) and not name.startswith((".", "_")))
    return sorted(name.removesuffix(kind.ending) for name in own)


def _list_files(root: Path, kind: Kind) -> list[str]:
    try:
        # `make check` lists these folders hundreds of times; Path.iterdir would make a path of every name.
        return os.listdir(os.path.join(root, kind.folder))  # noqa: PTH118, PTH208
    except (FileNotFoundError, NotADirectoryError):
        return []


def describe_missing(kind: Kind, name: str, root: Path = PROJECT, also: tuple[str, ...] = ()) -> str | None:
    """The message about an extension that does not exist; None if it exists or if the name is one of `also`."""
    if name in also or _exists(kind, name, root):
        return None
    known = sorted([*list_names(kind, root), *also])
    if name in known:
        return None
    return f"no {kind.word} '{shorten(on_one_line(name))}' in {kind.folder}/{offer(name, known)}"


def _exists(kind: Kind, name: str, root: Path) -> bool:
    """Whether there is an extension of this very name: one look, where listing its folder takes long."""
    if not name.isidentifier() or name.startswith("_"):
        # Other names are looked for in the list.
        return False
    return any(_has(each, kind, name) for each in list_roots(root))


def _has(root: Path, kind: Kind, name: str) -> bool:
    return os.path.isfile(os.path.join(root, kind.folder, name + kind.ending))  # noqa: PTH113, PTH118


def find(kind: Kind, name: str, root: Path = PROJECT) -> Path:
    """An extension's file; the project's own before that of the installation."""
    missing = describe_missing(kind, name, root)
    if missing:
        raise UserError(missing)
    of = next((each for each in list_roots(root) if _has(each, kind, name)), root)
    return of / kind.folder / f"{name}{kind.ending}"


def load(kind: Kind, name: str, root: Path = PROJECT) -> ModuleType:
    """An extension's module."""
    if root is not PROJECT and root != PROJECT:
        return _import_apart(find(kind, name, root))
    if PROJECT != INSTALLATION:
        _add_own(kind)
    module = f"{kind.folder.replace('/', '.')}.{name}"
    if module not in sys.modules or name.startswith("_"):
        find(kind, name, root)
    return importlib.import_module(module)


@functools.cache
def _add_own(kind: Kind) -> None:
    """Let a kind's package find the project's own modules, before its own of the same name."""
    importlib.import_module(kind.folder.replace("/", ".")).__path__.insert(0, str(PROJECT / kind.folder))


@functools.cache
def _import_apart(file: Path) -> ModuleType:
    """Import a file of another project's tree, where modules have the same names as in this one."""
    spec = importlib.util.spec_from_file_location(f"_checked_{file.parent.name}_{file.stem}", file)
    assert spec and spec.loader, file
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
