"""Packages against the lock."""

from pathlib import Path

import pytest

from recipebook.doctor.finding import MachineFinding
from recipebook.doctor.installed import SETUP, check_python, compare_lock, list_needed, read_lock
from recipebook.project import PROJECT

LOCK = {"torch": "2.13.0", "typing-extensions": "4.15.0"}


@pytest.mark.parametrize(
    ("found", "finding"),
    [
        ({"torch": "2.13.0+cpu", "other": "1"}, MachineFinding("lock", "1 packages as constraints.txt has them")),
        ({}, MachineFinding("lock", "not installed: torch", SETUP)),
        ({"torch": "2.12.1"}, MachineFinding("lock", "torch 2.12.1, and constraints.txt has 2.13.0", SETUP)),
        (
            {"torch": "2.12.1", "typing-extensions": "4"},
            MachineFinding("lock", "torch 2.12.1, and constraints.txt has 2.13.0 (2 packages in all)", SETUP),
        ),
    ],
)
def test_packages_are_those_of_the_lock(found: dict[str, str], finding: MachineFinding) -> None:
    assert compare_lock(LOCK, ["torch"], found) == finding


def test_names_are_written_one_way(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("# x==1\nTyping_Extensions==4.15.0\nruamel.yaml==0.18\n")
    assert read_lock(tmp_path / "lock.txt") == {"typing-extensions": "4.15.0", "ruamel-yaml": "0.18"}


def test_what_is_needed_is_what_training_and_evaluation_name() -> None:
    needed = list_needed(PROJECT / "pyproject.toml")
    assert {"pydantic", "axolotl", "sentence-transformers"} <= set(needed)
    assert "ruff" not in needed
    assert set(needed) <= set(read_lock(PROJECT / "constraints.txt"))


def test_this_python_will_do() -> None:
    assert check_python().cure is None
