"""pandas is loaded by those who want a frame, and by nobody else."""

import ast
import subprocess
import sys

import pytest

from recipebook.project import PROJECT

LIBRARIES = {"pandas", "openpyxl"}
PROGRAM = ("commands", "converters", "eval", "exports", "recipebook", "release", "services", "stages", "trainer")


def list_libraries(tree: ast.Module) -> set[str]:
    """The packages that a module imports, wherever in it that stands."""
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_one_room_alone_imports_them() -> None:
    paths = [path for folder in PROGRAM for path in (PROJECT / folder).rglob("*.py")]
    importing = [path for path in paths if list_libraries(ast.parse(path.read_bytes())) & LIBRARIES]
    assert importing != []
    assert {path.parent for path in importing} == {PROJECT / "recipebook" / "frames"}


@pytest.mark.parametrize(
    "code",
    [
        "import recipebook",
        "from commands import main; main(['words', 'tables'])",
        "from commands import main; main(['leaderboard', 'no-such-recipe'])",
        "from commands import main; main(['convert', '--converter', 'robot', '--in', 'samples/robot.json', '--out', "
        "'/dev/null'])",
        "import eval.comparing.leaderboard, eval.scoring.score",
    ],
)
def test_commands_that_make_no_frame_load_none_of_them(code: str) -> None:
    assert find_loaded(code, LIBRARIES) == set()


def test_frames_load_neither_torch_nor_axolotl_nor_openpyxl() -> None:
    heavy = {"torch", "axolotl", "transformers", "openpyxl"}
    assert find_loaded("from recipebook import frames; frames.runs()", {*heavy, "pandas"}) == {"pandas"}


def find_loaded(code: str, names: set[str]) -> set[str]:
    program = f"{code}\nimport sys; print('loaded:', *sorted({{*sys.modules}} & {names!r}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    label, *loaded = done.stdout.splitlines()[-1].split()
    assert label == "loaded:"
    return {*loaded}
