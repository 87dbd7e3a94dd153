"""A project of one's own beside the installation: its folder is found, its files win, what is shipped is there too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import main
from recipebook.project import INSTALLATION, find_project, list_roots, locate, name_path
from recipebook.recipe.resolve import resolve

RECIPE = """\
extends: robot-lora
data: {source: data/own.jsonl, converter: shout}
training: {epochs: 7}
"""
CONVERTER = """\
from typing import Any

from pydantic import BaseModel

from recipebook.rows import Row


class Options(BaseModel, extra="forbid"):
    system: str = ""


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    asked = {"role": "user", "content": record["asked"].upper()}
    return [{"messages": [asked, {"role": "assistant", "content": "robot.stop()"}], "meta": {}}]
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a recipe, a profile, a converter and a chat template of its own."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    assert main(["init", str(folder)]) == 0
    for name, text in {
        "recipes/robot-lora.yaml": RECIPE,
        "recipes/profiles/mine.yaml": "training: {epochs: 9}\n",
        "converters/shout.py": CONVERTER,
        "templates/chat/plain.jinja": "{% for message in messages %}{{ message.content }}\n{% endfor %}",
        "data/own.jsonl": '{"asked": "stop"}\n',
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(INSTALLATION)}
    command = [sys.executable, "-m", "recipebook", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def ask(folder: Path, expression: str) -> object:
    """What an expression comes to in a process that stands in a folder."""
    code = f"import json, sys; sys.path[0] = {str(INSTALLATION)!r}; print(json.dumps({expression}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_project_is_the_nearest_folder_with_recipes_and_runs(tmp_path: Path) -> None:
    for name in ("mine/recipes/deep", "mine/runs", "recipes"):
        (tmp_path / name).mkdir(parents=True)
    assert find_project(tmp_path / "mine" / "recipes" / "deep") == tmp_path / "mine"
    assert find_project(tmp_path / "mine") == tmp_path / "mine"
    assert find_project(tmp_path) == tmp_path


def test_in_the_checkout_project_and_installation_are_one() -> None:
    assert list_roots() == (INSTALLATION,)
    assert name_path(INSTALLATION / "recipes" / "robot-lora.yaml") == "recipes/robot-lora.yaml"


def test_another_root_than_the_project_is_looked_up_alone(tmp_path: Path) -> None:
    assert locate("samples/robot.json", tmp_path) == tmp_path / "samples" / "robot.json"


def test_what_is_shipped_is_found_and_the_projects_own_wins(mine: Path) -> None:
    found = ask(
        mine / "recipes",
        "[str(find(PROFILE, 'tiny')), str(find(PROFILE, 'mine')), str(locate('samples/robot.json')), "
        "str(find_recipe('robot-lora')), str(find_recipe('trait'))] "
        "if exec('from recipebook.modules import *; from recipebook.project import *; "
        "from recipebook.recipe.layers import find_recipe', globals()) is None else 0",
    )
    assert found == [
        str(INSTALLATION / "recipes/profiles/tiny.yaml"),
        str(mine / "recipes/profiles/mine.yaml"),
        str(INSTALLATION / "samples/robot.json"),
        str(mine / "recipes/robot-lora.yaml"),
        str(INSTALLATION / "recipes/trait.yaml"),
    ]


def test_a_recipe_may_extend_the_shipped_one_of_its_name(mine: Path) -> None:
    values = ask(
        mine,
        "[(r := resolve('robot-lora', 'mine').recipe).training.epochs, r.lora.r, r.data.source] "
        "if exec('from recipebook.recipe.resolve import resolve', globals()) is None else 0",
    )
    assert values == [9, 32, "data/own.jsonl"]


def test_a_recipe_that_lies_anywhere_extends_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text('{"extends": "robot-lora", "training": {"epochs": 5}}')
    (tmp_path / "try.yml").write_text("extends: base.json\nlora: {r: 8}\n")
    recipe = resolve(str(tmp_path / "try.yml")).recipe
    assert recipe.lora
    assert (recipe.training.epochs, recipe.lora.r, recipe.data.source) == (5, 8, "samples/robot.json")


def test_check_reads_the_projects_own_recipes_with_their_own_parts(mine: Path) -> None:
    done = run(mine / "recipes", "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "every recipe, profile and template is sound\n"
    words = run(mine, "words", "recipes").stdout.splitlines()
    assert {"first", "robot-lora", "trait"} <= {*words}
    assert words.count("robot-lora") == 1


def test_a_mistake_names_the_projects_file_and_what_there_is(mine: Path) -> None:
    (mine / "recipes" / "wrong.yaml").write_text(RECIPE.replace("shout", "shoot"))
    try:
        done = run(mine, "check", "wrong")
    finally:
        (mine / "recipes" / "wrong.yaml").unlink()
    assert done.returncode == 2
    assert done.stderr.startswith(
        "recipes/wrong.yaml:2:43: no converter 'shoot' in converters/; did you mean 'shout'? it has: chat, echo"
    )


def test_a_converter_of_the_project_converts(mine: Path) -> None:
    done = run(mine, "convert", "--converter", "shout", "--in", "data/own.jsonl", "--out", "rows.jsonl")
    assert done.returncode == 0, done.stderr
    (row,) = map(json.loads, (mine / "rows.jsonl").read_text().splitlines())
    assert row["messages"][0] == {"role": "user", "content": "STOP"}


def test_init_keeps_what_is_there_and_refuses_the_installation(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (mine / "Makefile").write_text("mine:\n")
    assert main(["init", str(mine)]) == 0
    assert (mine / "Makefile").read_text() == "mine:\n"
    assert f"kept      {mine / 'Makefile'}" in capsys.readouterr().out
    (mine / "Makefile").unlink()
    assert main(["init", str(mine)]) == 0
    assert main(["init", str(INSTALLATION)]) == 2
    assert "is the installation itself" in capsys.readouterr().err


@pytest.mark.parametrize(("place", "what"), [("/opt/my book", "a blank"), ("/opt/book#1", "#"), ("/opt/o'book", "'")])
def test_init_refuses_an_installation_whose_path_make_would_misread(
    place: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("recipebook.project.INSTALLATION", Path(place))
    assert main(["init", str(tmp_path / "mine")]) == 2
    assert capsys.readouterr().err == f"make cannot include files of {place!r}, which has {what} in its name; move it\n"
    assert not (tmp_path / "mine").exists()


def test_the_goals_of_make_work_in_a_project_and_name_its_folder(mine: Path) -> None:
    main(["init", str(mine)])
    command = [
        "make",
        "--no-print-directory",
        "-n",
        *(word for part in ("light", "ready", "dev") for word in ("-o", f"{INSTALLATION}/.venv/{part}")),
    ]
    done = subprocess.run([*command, "train", "RECIPE=first"], cwd=mine, capture_output=True, text=True, check=True)
    assert f"RECIPEBOOK_PROJECT=\"{mine}\" {INSTALLATION}/.venv/bin/python -m recipebook train 'first'" in done.stdout
    done = subprocess.run([*command, "test"], cwd=mine, capture_output=True, text=True, check=False)
    assert f"make test is for the installation: make -C {INSTALLATION}/ test" in done.stderr
