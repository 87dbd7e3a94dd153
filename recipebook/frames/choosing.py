"""The runs and evaluations that a name means: `traits@validation` in; each run with its manifest and evaluation out.

    choose_evaluations("robot-lora", runs)      → [ChosenRun(run, manifest, "")]
    choose_evaluations("traits@limit-50", runs) → the trained run of each member, with "limit-50"

The names are those of `make eval` and `make compare`: a run's own, or a recipe's for its newest trained run; and a
fleet's for the trained runs of all its members.
"""

from pathlib import Path
from typing import NamedTuple

from eval.comparing.evaluations import find_evaluation
from recipebook import project
from recipebook.run import rundir
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

# With which the folder of an evaluation of the user's own file begins.
OWN = "data-"


class ChosenRun(NamedTuple):
    """A run, and the folder of one evaluation in its `eval/`; `""` is the run's own."""

    run: Run
    manifest: Manifest
    where: str = ""

    @property
    def identification(self) -> dict[str, str | None]:
        """The columns with which every row of this run begins."""
        return {"run": self.run.name, "member": self.manifest.member}


def get_folder(runs: Path | None) -> Path:
    """The folder of runs that is meant: the project's own if none is given."""
    return project.RUNS if runs is None else runs


def choose_runs(query: str, runs: Path) -> list[ChosenRun]:
    """The runs that a name means; a UserError with the known ones if it means none."""
    members = [ChosenRun(run, manifest) for run, manifest in rundir.list_fleet(query, runs)]
    return members or [_read(rundir.find(query, runs))]


def choose_evaluations(query: str, runs: Path) -> list[ChosenRun]:
    """The evaluations that a name means. Members of a fleet that have no rows of the evaluated part are left out."""
    name, _, where = query.partition("@")
    members = rundir.list_fleet(name, runs)
    if not members:
        run, where = find_evaluation(query, runs)
        return [_read(run, where)]
    return [ChosenRun(run, manifest, where) for run, manifest in members if _has_rows(manifest, where)]


def _has_rows(manifest: Manifest, where: str) -> bool:
    """Whether there is a row that the evaluation in this folder could be of, as far as the manifest knows."""
    first = where.partition("/")[0]
    part = "validation" if first == "validation" else "test"
    return first.startswith(OWN) or not manifest.rows or manifest.rows.get(part, 0) > 0


def _read(run: Run, where: str = "") -> ChosenRun:
    return ChosenRun(run, run.read(), where)
