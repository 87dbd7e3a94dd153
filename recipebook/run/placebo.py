"""A trained run in; the run that was trained on its shuffled answers, its placebo, out.

`make train` names it by the recipe, `runs/robot-lora-placebo-20261129-101500`, and its manifest has the identity of the
run that it belongs to. So each run of the same identity has the same placebo. Placebos of a fleet over seeds are a
fleet of their own, `runs/robot-lora-placebo-seeds`.
"""

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.recipe.matrix_keys import SEED
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run, list_readable

SUFFIX = "-placebo"
SETTING = "eval.placebo=shuffled"


def find_placebo(run: Run) -> Run:
    """The newest trained placebo of a run; where there is none, an error with the command that trains it."""
    manifest = run.read()
    for other, of_other in list_readable(run.runs):
        if of_other.placebo_of == manifest.identity and of_other.status == "trained":
            return other
    command = _format_command(run, manifest)
    raise UserError(f"eval.placebo: {shown(run.folder)} has no trained placebo: {command} trains it")


def note_placebo(run: Run, of: str) -> None:
    """Record whose placebo a trained run is: an earlier version may have known that run by another identity."""
    if (manifest := run.read()).placebo_of != of:
        run.write(manifest.model_copy(update={"placebo_of": of}))


def _format_command(run: Run, manifest: Manifest) -> str:
    profile = f" PROFILE={manifest.profile}" if manifest.profile else ""
    # A recipe with a matrix gives each member its seed itself.
    own = run.fleet == manifest.recipe.replace("/", "-")
    given = [one for one in manifest.overrides if not (own and one.startswith(f"{SEED}="))]
    settings = " ".join(dict.fromkeys([*given, SETTING]))
    return f'make train RECIPE={manifest.recipe}{profile} SET="{settings}"'
