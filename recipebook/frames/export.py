"""`make export-table`: a table's name and whose it is in; a file of it, and lines about it, out.

export_table("predictions", "robot-lora", None, None, None)
→ runs/tables/robot-lora.predictions.csv
"""

from pathlib import Path

import pandas as pd

from recipebook import project
from recipebook.errors import UserError
from recipebook.frames.files import FORMATS, write_table
from recipebook.frames.of_answers import predictions, scores
from recipebook.frames.of_ranking import leaderboard
from recipebook.frames.of_runs import losses, runs
from recipebook.project import shown
from recipebook.terminal import print_field

OF_A_RUN = {"predictions": predictions, "scores": scores, "losses": losses}


def export_table(table: str, run: str | None, recipe: str | None, form: str | None, out: Path | None) -> int:
    """Write a table of `run`, of the runs of `recipe`, or of all runs; return the exit status.

    Without `form` the ending of `out` decides, and without both it is CSV in `runs/tables/`.
    """
    form = _choose_form(form, out)
    frame = _make_frame(table, run, recipe)
    path = out or project.RUNS / "tables" / f"{_name_file(table, run or recipe)}.{form}"
    notes = write_table(frame, path, form)
    print_field("written", f"{shown(path)}: {len(frame)} rows, {len(frame.columns)} columns")
    for note in notes:
        print_field("note", note)
    return 0


def _choose_form(form: str | None, out: Path | None) -> str:
    ending = out.suffix.removeprefix(".").lower() if out else ""
    if form is None and ending not in ("", *FORMATS):
        assert out is not None
        raise UserError(f"{out}: '{out.suffix}' is the ending of no form; FORMAT= is one of {', '.join(FORMATS)}")
    if form and ending != form and ending in FORMATS:
        # A program that goes by the ending would not open it.
        raise UserError(f"{out}: its ending says {ending}, and FORMAT={form}: leave out one of the two")
    return form or ending or "csv"


def _make_frame(table: str, run: str | None, recipe: str | None) -> pd.DataFrame:
    if table in OF_A_RUN:
        if run is None or recipe is not None:
            raise UserError(f"the table '{table}' is of one run, recipe or fleet: make export-table RUN=robot-lora")
        return OF_A_RUN[table](run)
    if run is not None:
        hint = "RECIPE=robot-lora chooses the runs of a recipe" if table == "leaderboard" else "it takes no RUN="
        raise UserError(f"the table '{table}' is of all runs; {hint}")
    if table == "leaderboard":
        return leaderboard(recipe)
    if recipe is not None:
        raise UserError("the table 'runs' is of all runs; it takes no RECIPE=")
    return runs()


def _name_file(table: str, of: str | None) -> str:
    """`traits-joy_plus@validation-checkpoint-500.scores`, or `runs`."""
    return f"{of.replace('/', '-')}.{table}" if of else table
