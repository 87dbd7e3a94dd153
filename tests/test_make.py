"""Goals of make that write into the tree: what they name is run in a copy, and the damaged file is whole again.

`make schemas` takes Axolotl's snapshot as well; tests/recipebook/recipe/test_axolotl_keys.py sees to that.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.project import PROJECT


def list_modules(goal: str) -> list[str]:
    """The modules that a goal runs, by what make would do."""
    command = ["make", "--dry-run", "--old-file", ".venv/ready", goal]
    steps = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [words[2] for words in map(shlex.split, steps) if words[1:2] == ["-m"]]


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would hand out, but for models."""
    folder = tmp_path_factory.mktemp("project")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in names:
        if (PROJECT / name).is_file() and not name.startswith("models/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    return folder


@pytest.mark.parametrize(
    ("goal", "module", "names"),
    [
        ("schemas", "recipebook.recipe.editor_schema", ["recipes/recipe.schema.json"]),
        (
            "docs",
            "docs.generate",
            [
                "docs/recipe.md",
                "docs/data.md",
                "docs/metrics.md",
                "docs/results.md",
                "docs/tables.md",
                "docs/all.md",
            ],
        ),
    ],
)
def test_a_goal_writes_what_it_says(copied: Path, goal: str, module: str, names: list[str]) -> None:
    assert module in list_modules(goal)
    for name in names:
        (copied / name).write_text("damaged")
    subprocess.run([sys.executable, "-m", module], cwd=copied, env={"PYTHONPATH": str(copied)}, check=True)
    assert [name for name in names if (copied / name).read_bytes() != (PROJECT / name).read_bytes()] == []


def test_clean_leaves_runs_and_the_environment() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "clean"]
    (removed,) = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert removed.startswith("rm -rf ")
    assert {"runs", ".venv"} & {*removed.split()} == set()


def fail(*words: str) -> str:
    """The first line with which make refuses; its exit status is 2."""
    made = ("--old-file", ".venv/light", "--old-file", ".venv/ready")
    command = ["make", "--no-print-directory", *made, *words]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trian", "RECIPE=x"], "no goal 'trian'; did you mean train?; make help lists all"),
        (["it's"], "no goal 'it's'; make help lists all"),
        (["recipebook.py"], "no goal 'recipebook.py'; make help lists all"),
        (["train", "RECIPE=x", "PROFIL=tiny"], "no goal reads PROFIL=; did you mean PROFILE?.  Stop."),
        (["train", "RECIPE=x", "DATA=y.json"], "make train reads no DATA=; these do: eval.  Stop."),
        (["plan", "RECIPE=x", "FORCE=1"], "make plan reads no FORCE=; these do: train shell-base tiny-base.  Stop."),
        (["train", "recipe=x"], "no goal reads recipe=; did you mean RECIPE?.  Stop."),
        (
            ["eval", "RECIPE=x"],
            "make eval wants RUN=, for example: make eval RUN=robot-lora; "
            "RECIPE= is for train and plan: RUN= takes the recipe's name too",
        ),
        (
            ["plan", "RUN=x"],
            "make plan wants RECIPE=, for example: make plan RECIPE=robot-lora; "
            "RUN= is for eval: RECIPE= is a name in recipes/",
        ),
        (["train"], "make train wants RECIPE=, for example: make train RECIPE=robot-lora"),
        (["merge", "RUN=x"], "make merge wants OUT=, for example: make merge RUN=robot-lora OUT=out/merge"),
        (
            ["merge-adapters", "RUNS=x y"],
            "make merge-adapters wants WEIGHTS=, for example: "
            'make merge-adapters RUNS="a b" WEIGHTS="0.7 0.3" OUT=out/merge-adapters',
        ),
        (["init"], "make init wants FOLDER=, for example: make init FOLDER=../mine"),
    ],
)
def test_a_misspelt_goal_or_variable_is_refused_with_the_nearest(words: list[str], line: str) -> None:
    assert fail(*words).endswith(line)


@pytest.mark.parametrize(
    ("goal", "options"),
    [
        (["init", "FOLDER=my project"], ["init", "my project"]),
        (["check", "RECIPE=it's.yaml"], ["check", "it's.yaml"]),
        (["chat", "RUN=x", "SYSTEM=don't move", "LOG=a  b.jsonl"],
         ["chat", "x", "--system", "don't move", "--log", "a  b.jsonl"]),
        (["merge", "RUN=x", "OUT=~/my models/x"], ["merge", "x", "--out", "~/my models/x"]),
        (["leaderboard"], ["leaderboard"]),
        (["plan", "RECIPE=x", "GPUS=2 4", "CARD=RTX 4090", "PRICE=2; ls"],
         ["plan", "x", "--gpus", "2 4", "--card", "RTX 4090", "--price", "2; ls"]),
        (["eval", "RUN=it's", "CHECKPOINT=5 6", "GATE=better;", "SAMPLES=1 2"],
         ["eval", "it's", "--checkpoint", "5 6", "--gate", "better;", "--set", "eval.limit=1 2"]),
        (["human-eval", "RUN=a b", "SEED=$$(ls)"], ["human-eval", "a b", "--seed", "$(ls)"]),
        (["members", "RECIPE=x", "ONLY=joy* it's"], ["members", "x", "--only", "joy*", "it's"]),
        (["slurm", "RECIPE=x", "PROFILE=it's", "MACHINES=1 2", "NODES=2 3", "TIME=4 hours", "PARTITION=a;b"],
         ["slurm", "x", "--profile", "it's", "--machines", "1 2", "--nodes", "2 3", "--time", "4 hours",
          "--partition", "a;b"]),
    ],
)  # fmt: skip
def test_a_value_is_one_word_whatever_blanks_and_quotes_it_has(goal: list[str], options: list[str]) -> None:
    made = ("--old-file", ".venv/light", "--old-file", ".venv/ready")
    command = ["make", "--dry-run", "--no-print-directory", *made, *goal]
    steps = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.replace("\\\n", "")
    assert shlex.split(steps[steps.index("-m recipebook") :])[2:] == options


def test_a_value_with_a_quote_is_a_value() -> None:
    assert fail("sky", 'RECIPE=a"b').startswith("make sky wants CARD=, for example: ")


def test_a_home_folder_is_found_by_the_shell() -> None:
    made = ("--old-file", ".venv/light", "--old-file", ".venv/ready")
    command = ["make", "--dry-run", "--no-print-directory", *made, "merge", "RUN=x", "OUT=~/it's here"]
    steps = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    words = f"printf '%s' {steps.partition('--out ')[2]}"
    said = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=True, env={"HOME": "/home/me"})
    assert said.stdout == "/home/me/it's here"


def test_a_python_that_does_not_fit_is_one_line_and_leaves_no_environment(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy2(PROJECT / name, tmp_path / name)
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\ntest "$1" = -V && echo Python 3.9.2 && exit 0\nexit 1\n')
    old.chmod(0o755)
    command = ["make", "--no-print-directory", f"PYTHON={old}", "setup"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == (
        f"Recipebook needs Python 3.11 or 3.12, and {old} is Python 3.9.2; name another: make PYTHON=python3.12 setup"
    )
    assert not (tmp_path / ".venv").exists()
