"""What the README promises is there: its make goals, its commands, its file names."""

import re
import shlex
import subprocess
from pathlib import Path

import yaml

from commands import build_parser
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import list_recipes

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = README + (ROOT / "eval" / "README.md").read_text()


def test_every_make_command_of_the_readme_is_a_goal_that_make_accepts() -> None:
    commands = set(re.findall(r"make [a-z-]+(?: [A-Z]+=[\w-]+)*", PAGES)) - {"make and"}
    assert "make train RECIPE=robot-lora" in commands
    for command in sorted(commands):
        done = subprocess.run(
            ["make", "-n", "-o", ".venv/ready", *command.split()[1:], "RECIPE=robot-lora", "RUN=robot-lora"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_every_goal_is_explained_by_make_help() -> None:
    goals = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "train" in goals
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [goal for goal in goals if f"  make {goal} " not in told] == []


def test_every_recipebook_command_of_the_readme_parses() -> None:
    commands = re.findall(r"-m recipebook (.*)$", README, re.MULTILINE)
    assert [shlex.split(command)[0] for command in commands] == ["convert", "export", "score"]
    for command in commands:
        assert build_parser().parse_args(shlex.split(command)).command


def test_the_recipe_of_the_readme_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert Recipe.model_validate(yaml.safe_load(text.replace("1e-4", "1.0e-4"))).lora


def test_every_file_that_the_readme_names_exists() -> None:
    names = re.findall(r"\]\(((?!http)[^)]+)\)", README)
    assert names
    assert [name for name in names if not (ROOT / name).is_file()] == []


def test_there_are_recipes() -> None:
    assert list_recipes() == [
        "dial-dpo",
        "persona-per-user",
        "persona-unified",
        "persona-unified-anonymous",
        "preference-dpo",
        "preference-ipo",
        "preference-kto",
        "preference-orpo",
        "preference-simpo",
        "robot-curriculum",
        "robot-ensemble",
        "robot-lora",
        "robot-sweep",
        "tiny-base",
        "toolformer-sft",
        "toolformer-weighted",
        "trait",
        "traits",
    ]
