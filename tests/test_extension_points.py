"""One of each extension is added to a copy of the project, a file each, and used by the command line."""

import json
import subprocess
import sys

import pytest

from tests.end_to_end.project import Project, copy_checkout

FILES = {
    "commands/say_hello.py": '''
"""`make say-hello`: a greeting."""

import argparse

HELP = "greet somebody"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom."""
    parser.add_argument("name")


def run(arguments: argparse.Namespace) -> int:
    """Print the greeting."""
    print(f"hello {arguments.name}")
    return 0
''',
    "converters/riddles.py": '''
"""`{"riddle": "2 + 2", "solution": "4"}` to a question and its answer."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebook.rows import Row


class Options(BaseModel):
    """How a question begins."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    opening: str = "What is"


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The row of one riddle."""
    question = {"role": "user", "content": f"{options.opening} {record['riddle']}?"}
    return [{"messages": [question, {"role": "assistant", "content": record["solution"]}], "meta": {}}]
''',
    "eval/metrics/length.py": '''
"""How long answers are, in characters."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

FIGURES = {"characters": "characters in the answer"}
BINARY = frozenset()
MORE_IS_BETTER = frozenset({"characters"})


class Options(BaseModel):
    """None."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def score(predictions: Sequence[Any], options: Options) -> list[dict[str, float | None]]:
    """One figure an answer."""
    return [{"characters": float(len(each.prediction))} for each in predictions]
''',
    "exports/pairs.py": '''
"""A question and its answer as a list of two."""

from typing import Any

from recipebook.rows import Row


def export(row: Row) -> dict[str, Any]:
    """Write one row."""
    return {"pair": [message["content"] for message in row["messages"]]}
''',
    "services/elsewhere.py": '''
"""A service that can do whatever a recipe asks."""

from collections.abc import Iterator
from typing import Any

URL = "https://elsewhere.invalid"
KEY = "ELSEWHERE_KEY"


def find_obstacles(recipe: Any) -> Iterator[Any]:
    """Nothing stands in the way."""
    return iter(())


def connect(url: str, key: str, key_name: str) -> Any:
    """A connection to nowhere."""
''',
    "stages/dream.py": '''
"""Rows out of nothing."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """How many."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int = 1


def run(job: Any, options: Options) -> None:
    """Write them."""
''',
    "templates/mine.yaml.j2": '{% include "sft.yaml.j2" %}\n',
    "templates/chat/plain.jinja": "{% for message in messages %}{{ message['content'] }}\n{% endfor %}",
    "recipes/profiles/attic.yaml": "training: {precision: fp32}\n",
}
GOAL = "say-hello: $(READY) ## NAME=: a greeting\n\t@$(RUN_IN_ENV) say-hello $(NAME)\n"
RECIPES = {
    "recipes/everything.yaml": """
description: One of each.
model: {base: models/tiny-base, chat_template: plain}
data: {source: riddles.jsonl, converter: riddles, options: {opening: Guess}}
training: {method: mine}
eval: {metrics: {length: {}}}
remote: {service: elsewhere, form: pairs}
""",
    "recipes/upstairs.yaml": """
description: A part of its own under the new profile.
extends: everything
profiles: {attic: {training: {epochs: 1}}}
""",
    "recipes/dreams.yaml": """
description: A stage of the new kind, and one that trains on its rows.
model: {base: models/tiny-base}
data: {source: samples/robot.json, converter: robot}
training: {method: sft}
stages:
  - {name: night, dream: {rows: 2}}
  - {name: day, data: {source: "stage:night", converter: robot}}
""",
}
RIDDLE = {"riddle": "2 + 2", "solution": "4"}


MISSING = (
    "recipes/everything.yaml:2:48: no chat template 'plain' in templates/chat/",
    "recipes/everything.yaml:3:42: no converter 'riddles' in converters/",
    "recipes/everything.yaml:4:20: no template 'mine' in templates/",
    "recipes/everything.yaml:5:18: no metric 'length' in eval/metrics/",
    "recipes/everything.yaml:6:19: no service 'elsewhere' in services/",
    "recipes/everything.yaml:6:36: no export 'pairs' in exports/",
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project, with recipes that name extensions which are not there."""
    project = copy_checkout(tmp_path_factory.mktemp("extended") / "recipebook")
    write(project, RECIPES)
    (project.folder / "riddles.jsonl").write_text('{"riddle": "2 + 2", "solution": "4"}\n')
    return project


@pytest.fixture(scope="module")
def extended(bare: Project) -> Project:
    """The same copy with the extensions, a file each, and the command's goal."""
    write(bare, FILES)
    with (bare.folder / "Makefile").open("a") as makefile:
        makefile.write(f"\n{GOAL}")
    return bare


def write(project: Project, files: dict[str, str]) -> None:
    for name, text in files.items():
        assert not (project.folder / name).exists()
        (project.folder / name).write_text(text.lstrip("\n"))


def make(project: Project, *words: str) -> str:
    made = ("-o", ".venv/light", "-o", ".venv/ready", "-o", ".venv/dev")
    command = ["make", "--no-print-directory", *made, f"PY={sys.executable}", *words]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=True).stdout


def test_recipes_that_name_what_is_not_there_are_refused(bare: Project) -> None:
    status, said = bare.run("check", "everything")
    assert status == 2
    assert [line for line in MISSING if line not in said] == []
    assert "recipes/upstairs.yaml:3:12: no profile 'attic' in recipes/profiles/" in bare.run("check", "upstairs")[1]
    status, said = bare.run("check", "dreams")
    assert status == 2
    assert "recipes/dreams.yaml:6:19: unknown key 'dream' in a stage" in said


def test_recipes_and_profiles_with_new_names_are_sound(extended: Project) -> None:
    for recipe in ("everything", "upstairs", "dreams"):
        sound = f"{recipe} is sound under every profile; without RECIPE= all recipes are checked\n"
        assert extended.run("check", recipe) == (0, sound)
    assert "attic" in extended.run("words", "profiles")[1].splitlines()


def test_options_of_new_extensions_are_checked(extended: Project) -> None:
    status, said = extended.run("plan", "dreams", "--profile", "attic", "--set", "stages.night.dream.rows=many")
    assert (status, said) == (2, "SET: dream.rows: 'many' is not a whole number\n")


def test_a_new_converter_export_and_metric_do_their_work(extended: Project) -> None:
    status, said = extended.run(
        "convert", "--converter", "riddles", "--in", "riddles.jsonl", "--out", "rows.jsonl", "--set", "opening=Guess"
    )
    assert status == 0, said
    status, said = extended.run("export", "--to", "pairs", "--in", "rows.jsonl", "--out", "pairs.jsonl")
    assert status == 0, said
    assert json.loads((extended.folder / "pairs.jsonl").read_text()) == {"pair": ["Guess 2 + 2?", "4"]}
    answers = extended.folder / "answers.jsonl"
    answers.write_text('{"prediction": "four", "reference": "4"}\n')
    status, said = extended.run("score", "--metric", "length", "--in", answers.name, "--out", "scores.jsonl")
    assert status == 0, said
    assert json.loads(said.splitlines()[-1])["figures"]["characters"]["mean"] == 4.0


def test_a_new_command_is_a_goal_of_make_and_is_listed(extended: Project) -> None:
    assert make(extended, "say-hello", "NAME=Ada") == "hello Ada\n"
    assert "  make say-hello          NAME=: a greeting" in make(extended, "help").splitlines()
    assert "    say-hello         greet somebody" in extended.run("--help")[1].splitlines()
    assert "say-hello" in extended.run("words", "commands")[1].splitlines()


def test_a_new_service_is_the_one_that_is_asked(extended: Project) -> None:
    status, said = extended.run("train", "everything", "--profile", "attic")
    assert status == 2
    assert said.splitlines()[-1] == "elsewhere: ELSEWHERE_KEY is not set; it holds the service's key"
