"""Which tokens carry loss, in the plan and in the batches of Axolotl's own trainers: the answers and their ends alone.

ORPO's batches are like those of the other pairs. TRL's loss adds to the odds the likelihood of the chosen answer with
its prompt, as templates/orpo.yaml.j2 says.

Reinforcement trains on what the model itself says while it plays; `test_rollouts.py` holds its tokens.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.dry_run import ENVIRONMENT
from recipebook.data.dataset import prepare
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import list_recipes, read_layers
from recipebook.recipe.resolve import resolve
from recipebook.recipe.stages import read_stages

ROWS = 24
END = "<|im_end|>"
Row = dict[str, Any]
Sequences = list[list[tuple[str, bool]]]


@pytest.mark.long
def test_loss_is_on_answers_and_their_ends_under_small(tmp_path: Path) -> None:
    check(dict(list_trainings("small", list_recipes())), tmp_path)


def test_loss_is_on_answers_and_their_ends_under_tiny(tmp_path: Path) -> None:
    recipes = ["persona-unified", "toolformer-weighted", "preference-dpo", "preference-kto"]
    check(dict(list_trainings("tiny", recipes)), tmp_path)


def check(trainings: dict[str, Recipe], folder: Path) -> None:
    """Compare, sequence by sequence, the texts that carry loss with the rows' answers."""
    rows = {name: write_rows(recipe, folder, folder / name) for name, recipe in trainings.items()}
    found = set_up({name: render(recipe) for name, recipe in trainings.items()}, folder)
    answers = {name: list_answers(rows[name], trainings[name]) for name in trainings}
    batches = {name: Counter(map(tuple, list_lossy(found[name]["batches"]))) for name in trainings}
    # Trainers shuffle.
    assert batches == {name: Counter(tuple(one) for row in answers[name] for one in row) for name in trainings}
    plans = {name: list_lossy(found[name]["plan"]) for name in trainings}
    assert plans == {name: [list(chain(*row)) for row in answers[name][:2]] for name in trainings}


def list_trainings(profile: str, recipes: list[str]) -> Iterator[tuple[str, Recipe]]:
    """Every training on rows, that of each stage that trains; of a fleet, one as all members are."""
    for name in recipes:
        if name == "tiny-base":
            continue
        stages = read_stages(read_layers(name, profile, (), PROJECT))
        trained = [one for one in stages if one.kind is None and one.recipe.training.method != "grpo"]
        yield from ((f"{name}-{one.name}", one.recipe) for one in trained)
        if not stages:
            yield name, resolve(name, profile).recipe


def write_rows(recipe: Recipe, folder: Path, case: Path) -> list[Row]:
    """A few train rows, from all over the file, as the case's own."""
    dataset = prepare(recipe.data, folder / "cache" / "data", PROJECT)
    lines = dataset.path("train").read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = lines[:: max(1, len(lines) // ROWS)][:ROWS]
    case.mkdir()
    for part in ("train", "validation"):
        (case / f"{part}.jsonl").write_text("".join(chosen), encoding="utf-8")
    return [json.loads(line) for line in chosen]


def render(recipe: Recipe) -> Any:
    """What Axolotl reads."""
    return yaml.safe_load(render_axolotl(recipe, Inputs("train.jsonl", "validation.jsonl", "prepared"), gpu=False))


def set_up(cases: dict[str, Any], folder: Path) -> dict[str, dict[str, Sequences]]:
    """Axolotl, in a process of its own."""
    (folder / "cases.json").write_text(json.dumps(cases))
    command = [sys.executable, str(Path(__file__).with_name("list_loss_tokens.py")), "cases.json", "found.json"]
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(PROJECT)}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads((folder / "found.json").read_text()))


def list_answers(rows: list[Row], recipe: Recipe) -> list[list[list[str]]]:
    """For each row its sequences, each with its answers: as they stand in the row, and the end of a turn."""
    assert recipe.training.train_on == "responses"
    assert [row for row in rows if row.get("tools")] == []
    return [
        [[row[name]["content"] + END] for name in ("chosen", "rejected")]
        if "chosen" in row
        else [[one["content"] + END for one in row["messages"] if one["role"] == "assistant"]]
        for row in rows
    ]


def list_lossy(sequences: Sequences) -> list[list[str]]:
    """The pieces of text that carry loss, by sequence."""
    return [[text for text, counted in each if counted] for each in sequences]
