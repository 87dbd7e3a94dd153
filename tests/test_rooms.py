"""What may import what: the syntax trees of all modules in; imports that the table does not allow, and circles, out."""

import ast
import shutil
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Bottom up: a room, and what it may import besides itself. `.run` is a room of the same folder, `recipebook.*` a folder
# with all its rooms that stand above the line: `recipebook.frames` reads what eval writes, and so stands below eval.
MAY_IMPORT = {
    "recipebook": "",
    "recipebook.pages": "",
    "recipebook.text": "recipebook",
    "recipebook.shell": "recipebook",
    "recipebook.sources": "recipebook",
    "recipebook.recipe": "recipebook .text .sources",
    "recipebook.importing": "recipebook .recipe",
    "recipebook.playing": "recipebook .text .recipe .shell",
    "recipebook.data": "recipebook .text .sources .recipe",
    "recipebook.run": "recipebook .pages .sources .recipe .data",
    "recipebook.launch": "recipebook .recipe .run",
    "recipebook.remote": "recipebook .sources .recipe .data .run",
    "recipebook.train": "recipebook .shell .recipe .data .run .launch .remote",
    "recipebook.doctor": "recipebook .shell .recipe .train",
    "recipebook.pipeline": "recipebook .sources .recipe .data .run .launch .train",
    "recipebook.fleet": "recipebook .pages .sources .recipe .data .run .launch .train",
    "converters": "recipebook.*",
    "exports": "recipebook.*",
    "services": "recipebook.*",
    "trainer": "recipebook.*",
    "eval.statistics": "recipebook.*",
    "eval.reading": "recipebook.*",
    "eval.scoring": "recipebook.* .statistics",
    "eval.asking": "recipebook.* .scoring",
    "eval.metrics": "recipebook.* .reading .scoring",
    "eval.report": "recipebook.* .statistics .scoring",
    "eval.tracking": "recipebook.* .scoring",
    "eval.comparing": "recipebook.* .statistics .scoring .report",
    "eval.human": "recipebook.* .statistics .scoring .asking .report .comparing",
    "eval": "recipebook.* .statistics .scoring .asking .report .tracking .comparing",
    "eval.results": "recipebook.* .statistics .scoring .asking .report .comparing eval",
    "stages": "recipebook.* converters eval.*",
    "release": "recipebook.* eval.*",
    "samples": "recipebook.* stages",
    "recipebook.frames": "recipebook.* eval.scoring eval.comparing",
    "commands": "recipebook.* converters eval.* release trainer",
    "benchmarks": "recipebook.* converters eval.* trainer samples",
    "docs": "recipebook.* eval.*",
}
FOLDERS = sorted({room.partition(".")[0] for room in MAY_IMPORT})
MOST_FILES = {"recipebook": 17, "eval": 7}


def list_modules(root: Path) -> dict[str, Path]:
    """`recipebook.run.manifest` and its file; a package goes by its folder's name."""
    paths = [path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): root / path for path in paths}


def read_imports(root: Path) -> dict[str, dict[str, int]]:
    """Which of the project's modules each module imports, wherever in it that stands, and on which line."""
    modules = list_modules(root)
    found: dict[str, dict[str, int]] = {}
    for module, path in modules.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        names = list(_list_names(ast.parse(path.read_bytes()), package))
        found[module] = {name: line for name, line in names if name in modules}
        # `from recipebook import project` imports a module, `from recipebook.project import RUNS` from one.
        inner = {name.rpartition(".")[0]: line for name, line in names if name not in modules}
        found[module] |= {name: line for name, line in inner.items() if name in modules}
    return found


def _list_names(tree: ast.Module, package: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def find_room(module: str, root: Path) -> str:
    """`recipebook.run` of `recipebook.run.manifest`, `recipebook` of `recipebook.errors`."""
    folder, _, rest = module.partition(".")
    room = rest.partition(".")[0]
    return f"{folder}.{room}" if f"{folder}.{room}" in MAY_IMPORT and (root / folder / room).is_dir() else folder


def list_allowed(room: str) -> set[str]:
    """The rooms that a room may import."""
    folder = room.partition(".")[0]
    words = [folder + word if word.startswith(".") else word for word in MAY_IMPORT[room].split()]
    rooms = list(MAY_IMPORT)
    above = {other for other in rooms[: rooms.index(room)] if f"{other.partition('.')[0]}.*" in words}
    return above | {other for other in rooms if other in words}


def find_wrong_arrows(root: Path) -> list[str]:
    """Imports that the table does not allow, a line each."""
    lines = []
    for name, imported in read_imports(root).items():
        room = find_room(name, root)
        for other, line in imported.items():
            if find_room(other, root) not in {room, *list_allowed(room)}:
                lines.append(f"{name}:{line}: imports {other}, which nothing in {room} may")
    return sorted(lines)


def find_circle(root: Path) -> list[str]:
    """Modules that import one another in a circle; empty where there is none."""
    try:
        TopologicalSorter({name: set(imported) for name, imported in read_imports(root).items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The modules in a folder of their own, to plant an import in."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_every_import_is_one_that_the_table_allows() -> None:
    assert find_wrong_arrows(ROOT) == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    assert find_circle(ROOT) == []


def test_the_table_itself_reads_upward() -> None:
    rooms = list(MAY_IMPORT)
    assert [room for at, room in enumerate(rooms) if not list_allowed(room) <= set(rooms[:at])] == []


def test_the_table_has_every_room() -> None:
    rooms = {f"{folder}.{path.parent.name}" for folder in MOST_FILES for path in (ROOT / folder).glob("*/__init__.py")}
    assert rooms == {room for room in MAY_IMPORT if "." in room}


def test_a_planted_import_upwards_is_found_even_in_a_function(copy: Path) -> None:
    with (copy / "recipebook" / "errors.py").open("a") as file:
        file.write("\n\ndef planted() -> None:\n    from commands import main\n\n    main()\n")
    line = (copy / "recipebook" / "errors.py").read_text().splitlines().index("    from commands import main") + 1
    assert find_wrong_arrows(copy) == [f"recipebook.errors:{line}: imports commands, which nothing in recipebook may"]


@pytest.mark.parametrize("folder", ["recipebook/run", "eval/comparing", "samples", "trainer", "stages"])
def test_only_commands_and_what_is_beside_the_program_may_import_frames(copy: Path, folder: str) -> None:
    (copy / folder / "planted.py").write_text("from recipebook import frames\n")
    room = folder.replace("/", ".")
    assert find_wrong_arrows(copy) == [f"{room}.planted:1: imports recipebook.frames, which nothing in {room} may"]


def test_a_planted_circle_within_a_room_is_found(copy: Path) -> None:
    room = copy / "recipebook" / "run"
    (room / "there.py").write_text("from recipebook.run.back import BACK\n")
    (room / "back.py").write_text("if TYPE_CHECKING:\n    from recipebook.run import there\n")
    assert set(find_circle(copy)) == {"recipebook.run.there", "recipebook.run.back"}


@pytest.mark.parametrize(("folder", "most"), MOST_FILES.items())
def test_few_files_lie_outside_the_rooms(folder: str, most: int) -> None:
    assert len([path for path in (ROOT / folder).iterdir() if path.is_file()]) <= most
