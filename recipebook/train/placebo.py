"""Which recipes can have a placebo: a resolved recipe in; nothing out, or why it cannot have one.

robot-sweep: eval.placebo is for single trainings and for several seeds of one, and this recipe has other members
"""

from collections.abc import Iterator
from dataclasses import replace

from recipebook.errors import UserError
from recipebook.recipe.figures import measures_answers
from recipebook.recipe.resolve import Resolved
from recipebook.run.placebo import SUFFIX

METHOD = "sft"


def check_placebo(resolved: Resolved, *, stages: bool) -> None:
    """Refuse `eval.placebo` where it has no meaning yet."""
    if resolved.recipe.eval.placebo and (fault := next(_find_faults(resolved, stages), None)):
        raise UserError(f"{resolved.name}: eval.placebo is for {fault}")


def name_placebo(resolved: Resolved) -> Resolved:
    """The recipe under the name that the runs of its placebo have."""
    return replace(resolved, name=resolved.name + SUFFIX)


def _find_faults(resolved: Resolved, stages: bool) -> Iterator[str]:
    recipe = resolved.recipe
    if stages or (recipe.matrix and not recipe.matrix.repeats):
        others = "stages" if stages else "other members"
        yield f"single trainings and for several seeds of one, and this recipe has {others}"
    if recipe.remote:
        yield "trainings on machines of one's own, and this recipe lets a service train"
    if recipe.training.method != METHOD:
        yield f"training.method: {METHOD}, and this recipe has {recipe.training.method}"
    if recipe.training.train_on == "all":
        yield "training.train_on: responses; with all, the prompts are learned, too, and those stay in place"
    for name in recipe.eval.metrics:
        if not measures_answers(name, resolved.root):
            yield f"metrics of answers, and '{name}' measures something else"
