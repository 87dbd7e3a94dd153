"""A stage that trains nothing, ready to run: what it may read, and the folder in which it leaves its files.

    StageJob(name="pairs", folder=Path("runs/dial-dpo-20261121-093000/stages/pairs"), model=Path("models/tiny-base"),
             adapter=Path("runs/dial-dpo-…/stages/sft/model"), revision=None, chat_template="{% for message in …",
             rows={"train": Path("runs/…/stages/pairs/data/train.jsonl"), …}, sources={}, seed=42, recipe=Recipe(…))

The runner makes the job, checks the stage's options before anything runs, and calls `run` of stages/<kind>.py in a
process of its own, which may be killed at any time and is started again with the same job.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from recipebook.files import write_text
from recipebook.recipe.keys import Recipe


@dataclass(frozen=True)
class StageJob:
    """One run of one stage. `model` with `adapter` on it is the model of the stage that this one starts from."""

    name: str
    folder: Path
    """The stage's folder. Later stages read its `rows.jsonl`, which is written last and at once, as `stage:<name>`."""
    model: Path | str
    """The base: a folder, or a name on the hub with `revision`. A merged or fully trained model is its own base."""
    adapter: Path | None
    revision: str | None
    tokenizer: Path | str
    """The folder (or hub name) of the tokenizer that goes with the model, its chat template included."""
    chat_template: str
    """The text of the template; empty where the tokenizer brings its own."""
    rows: dict[str, Path]
    """The recipe's converted data by part: `train`, `validation`, `test`."""
    sources: dict[str, Path]
    """The rows.jsonl of earlier stages that the options name as `stage:NAME`, by the stage's name."""
    seed: int
    recipe: Recipe
    """The stage's own view of the recipe, overrides merged."""


def write_job(path: Path, job: StageJob, kind: str, options: Mapping[str, Any]) -> None:
    """Write the job that `python -m stages` reads."""
    data = {field.name: getattr(job, field.name) for field in fields(job)}
    data["recipe"] = job.recipe.model_dump(mode="json")
    write_text(path, json.dumps({"kind": kind, "options": dict(options), "job": data}, default=str, indent=1) + "\n")


def read_job(document: Mapping[str, Any]) -> StageJob:
    """The job as it was written; a model that is a folder becomes its path."""
    job = dict(document["job"])
    for name in ("model", "tokenizer"):
        job[name] = Path(job[name]) if Path(job[name]).is_dir() else job[name]
    for name in ("rows", "sources"):
        job[name] = {key: Path(value) for key, value in job[name].items()}
    job["folder"], job["adapter"] = Path(job["folder"]), Path(job["adapter"]) if job["adapter"] else None
    job["recipe"] = Recipe.model_validate_json(json.dumps(job["recipe"]))
    return StageJob(**job)
