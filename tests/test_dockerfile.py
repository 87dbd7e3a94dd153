"""The Dockerfile: docker itself does not run here, so what it says is compared with what it would find."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.project import PROJECT

LINES = re.sub(r"\\\n", " ", (PROJECT / "Dockerfile").read_text(encoding="utf-8")).splitlines()
STEPS = [tuple(line.split(maxsplit=1)) for line in LINES if re.match(r"[A-Z]+ ", line)]
GOALS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PAGE = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")


def list_steps(word: str) -> list[str]:
    return [rest for first, rest in STEPS if first == word]


def test_the_linter_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, "Dockerfile"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_one_exact_python_that_the_project_takes() -> None:
    (base,) = list_steps("FROM")
    assert re.fullmatch(r"python:3\.1[12]\.\d+-slim-\w+", base)


def test_nothing_but_debians_packages_is_installed_as_root() -> None:
    words = [first for first, _ in STEPS]
    before, after = words[: words.index("USER")], words[words.index("USER") :]
    assert before.count("RUN") == 1 and "COPY" not in before
    assert "ENTRYPOINT" in after and after.count("USER") == 1
    assert "make setup" not in list_steps("RUN")[0]


def test_its_goals_are_those_of_the_makefile() -> None:
    ran = {goal for step in list_steps("RUN") for goal in re.findall(r"\bmake ([a-z-]+)$", step)}
    assert ran == {"setup"} <= GOALS
    assert list_steps("ENTRYPOINT") == ['["make"]']
    assert {*re.findall(r'"([a-z-]+)"', list_steps("CMD")[0])} <= GOALS


def test_the_environment_and_the_runs_of_this_machine_stay_out() -> None:
    left_out = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".cache", "runs/*"} <= {*left_out}


@pytest.mark.parametrize("command", re.findall(r"^docker (?:[^\n\\]|\\\n)*", PAGE, re.MULTILINE))
def test_a_command_of_the_page_names_arguments_and_goals_that_there_are(command: str) -> None:
    command = command.replace("\\\n", " ").partition("#")[0]
    arguments = {argument.partition("=")[0] for argument in list_steps("ARG")}
    assert {*re.findall(r"--build-arg (\w+)=", command)} <= arguments
    if command.startswith("docker run"):
        goal = re.search(r" recipebook ([a-z-]+)", command)
        assert goal and goal[1] in GOALS
        folder = list_steps("WORKDIR")[0]
        assert all(target.startswith(f"{folder}/") for target in re.findall(r'-v "?[^:"]+:([^"\s]+)', command))
