"""A trained run in; the run that was trained on its shuffled answers, its placebo, out.

`make train` names it by the recipe, `runs/robot-lora-placebo-20261129-101500`, and its manifest has the identity of the
run that it belongs to. So each run of the same identity has the same placebo.
"""

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run, list_readable

SUFFIX = "-placebo"
SETTING = "eval.placebo=shuffled"


def find_placebo(run: Run) -> Run:
    """The newest trained placebo of a run; where there is none, an error with the command that trains it."""
    manifest = run.read()
    for other, of_other in list_readable(run.folder.parent):
        if of_other.placebo_of == manifest.identity and of_other.status == "trained":
            return other
    raise UserError(f"eval.placebo: {shown(run.folder)} has no trained placebo: {_format_command(manifest)} trains it")


def _format_command(manifest: Manifest) -> str:
    profile = f" PROFILE={manifest.profile}" if manifest.profile else ""
    settings = " ".join(dict.fromkeys([*manifest.overrides, SETTING]))
    return f'make train RECIPE={manifest.recipe}{profile} SET="{settings}"'
