"""docs/architecture.md: every file, folder and name in it is there, and every room is in it."""

import re

import pytest

from recipebook.project import PROJECT

TEXT = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMES = sorted(
    set(re.findall(r"`([\w./-]+(?:/|\.\w+))`", TEXT)) - {"eval/metrics/x.py", "tests/samples/metrics/x.jsonl"}
)
# What a run's folder holds, and what no tree has: a key, a function of a library.
ELSEWHERE = {
    "axolotl.yaml", "report.html", "members.html", "train.log", "manifest.json", "train.jsonl", "test.jsonl",
    "validation.jsonl", "account.json", "data.source", "data.split.by", "model.generate", ".cache/data", "Run.write",
    "DataFrame.to_excel",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ELSEWHERE])
def test_every_path_exists(name: str) -> None:
    assert any((folder / name).exists() for folder in (PROJECT, PROJECT / "recipebook", PROJECT / "eval")), name


@pytest.mark.parametrize("top", ["recipebook", "eval"])
def test_every_room_has_a_line(top: str) -> None:
    rooms = {path.parent.name for path in (PROJECT / top).glob("*/*.py")}
    assert [room for room in sorted(rooms) if f"| `{top}/{room}/` |" not in TEXT] == []


def test_every_file_at_the_root_of_the_library_is_named() -> None:
    names = {path.name for path in (PROJECT / "recipebook").glob("[!_]*.py")}
    assert [name for name in sorted(names) if f"`{name}`" not in TEXT] == []


def test_every_folder_of_the_top_has_a_line() -> None:
    folders = {path.parent.name for path in PROJECT.glob("*/*") if path.suffix in (".py", ".yaml", ".md", ".jsonl")}
    ignored = {name for name in folders if name.startswith(".") or name in ("build", "outputs")}
    assert [name for name in sorted(folders - ignored) if f"`{name}/`" not in TEXT] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("recipebook/data/split.py", "choose_part"),
        ("recipebook/launch/render.py", "render_deepspeed"),
        ("recipebook/run/rundir.py", "def write"),
        ("recipebook/train/fault.py", "def find_fault"),
    ],
)
def test_what_answers_a_question_is_where_the_page_says(path: str, name: str) -> None:
    assert name in (PROJECT / path).read_text(encoding="utf-8")
    assert path in TEXT
