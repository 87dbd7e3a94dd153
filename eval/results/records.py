"""The stored results of recipes: docs/results/tiny.json in; what each recipe came to under the profile, out.

    {"profile": "tiny",
     "records": [{"recipe": "robot-lora", "run": "robot-lora-20261129-024408", "identity": "9dee18d1690bdb96",
                  "base": "models/tiny-base", "rows": 577, "result": {"figure": "exact", …}, …}],
     "failures": [{"recipe": "traits", "reason": "the trainer was killed by signal 9", …}]}

`result` is the main figure as the evaluation's summary.json has it. A recipe is in one of the two lists, or it has not
been run under the profile.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from eval.results.last_stage import find_measured
from eval.scoring.evaluated_rows import DrawnRows
from eval.scoring.figures import Result
from recipebook.errors import UserError, format_first_error
from recipebook.files import write_text
from recipebook.frozen import Frozen
from recipebook.hardware import Hardware
from recipebook.project import PROJECT, shown
from recipebook.recipe.layers import list_recipes, read_layers
from recipebook.recipe.resolve import merge_layers
from recipebook.recipe.stages import read_stages

RESULTS = PROJECT / "docs" / "results"
PROFILES = ("tiny", "small")
MEMBERS = 3


class RecipeRecord(Frozen):
    """A recipe that was trained and evaluated."""

    recipe: str
    run: str
    """Its folder in runs/; of a fleet, the fleet's, or its vote's."""
    members: tuple[str, ...] = ()
    """The runs of a fleet's members."""
    identity: str
    commit: str | None
    changed: bool
    """Whether files differed from the commit."""
    date: str
    machine: Hardware
    base: str
    base_origin: str | None
    """Where the weights of a base that was made here came from."""
    start: str | None = None
    """The stage whose figure stands as the base's, where the figure belongs to the last stage alone."""
    rows: int
    """The answers that were scored; of a fleet without a vote, those of all members."""
    drawn: DrawnRows | None
    """The rows that eval.limit left, where there is one."""
    result: Result
    training_seconds: float
    evaluation_seconds: float | None
    memory_gib: float | None
    commands: tuple[str, ...]

    @model_validator(mode="before")
    @classmethod
    def _drop_verdict(cls, data: Any) -> Any:
        """Earlier versions stored the verdict's words; they are made of the result."""
        return {key: value for key, value in data.items() if key != "verdict"} if isinstance(data, dict) else data

    @property
    def better(self) -> bool:
        """Whether the tuned model wins, with an interval that excludes 0."""
        difference = self.result.difference
        if difference is None or difference.low is None or difference.high is None:
            return False
        return difference.high < 0 if self.result.less_is_better else difference.low > 0


class Failure(Frozen):
    """A recipe that could not be trained or evaluated."""

    recipe: str
    date: str
    reason: str


class ProfileRecords(Frozen):
    """All recipes under one profile, by name."""

    profile: str
    records: tuple[RecipeRecord, ...] = Field(default=())
    failures: tuple[Failure, ...] = Field(default=())

    @property
    def outcomes(self) -> list[RecipeRecord | Failure]:
        """Both lists."""
        return [*self.records, *self.failures]

    def find(self, recipe: str) -> RecipeRecord | Failure | None:
        """What a recipe came to; None if it has not been run."""
        return next((one for one in self.outcomes if one.recipe == recipe), None)


def list_measured() -> list[str]:
    """The recipes that have a main figure; one without metrics, such as that of the tiny model itself, has none."""
    return [name for name in list_recipes() if _has_figure(name)]


def _has_figure(name: str) -> bool:
    layers = read_layers(name, None, (), PROJECT)
    resolved = merge_layers(layers)
    return bool(resolved.recipe.eval.metrics) or find_measured(resolved, read_stages(layers)) is not None


def read_results(profile: str, folder: Path = RESULTS) -> ProfileRecords:
    """The results under a profile; empty where none were stored."""
    path = folder / f"{profile}.json"
    if not path.is_file():
        return ProfileRecords(profile=profile)
    try:
        return ProfileRecords.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{shown(path)}: {format_first_error(error)}") from None


def store(profile: str, outcome: RecipeRecord | Failure, folder: Path = RESULTS) -> None:
    """Write one recipe's outcome in place of its earlier one."""
    others = [one for one in read_results(profile, folder).outcomes if one.recipe != outcome.recipe]
    kept = sorted([*others, outcome], key=lambda one: one.recipe)
    data = {
        "profile": profile,
        "records": [one.model_dump(mode="json") for one in kept if isinstance(one, RecipeRecord)],
        "failures": [one.model_dump(mode="json") for one in kept if isinstance(one, Failure)],
    }
    write_text(folder / f"{profile}.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")
