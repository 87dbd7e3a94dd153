"""`make plan`: what training would do, printed before it is done."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from commands._options import add_layers, add_recipe, amount, count, read_layers
from recipebook.errors import UserError
from recipebook.terminal import print_field

if TYPE_CHECKING:
    from recipebook.recipe.keys import Recipe
    from recipebook.train.cards import Target

HELP = "print what train would do, without training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, and the machine that it is planned for."""
    add_recipe(parser)
    add_layers(parser)
    parser.add_argument("--card", metavar="NAME", help="a GPU that is not here, such as H100: its memory and time")
    parser.add_argument("--seeds", type=count, metavar="N", help="plan the recipe with N seeds, as a fleet")
    parser.add_argument("--price", type=amount, metavar="AMOUNT", help="of an hour of the machine, for the cost")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from recipebook.train.cards import choose_target

    target = choose_target(arguments.card, arguments.price)
    profile = arguments.profile or ("gpu" if target.named else None)
    return plan(arguments.recipe, profile, read_layers(arguments), target, arguments.seeds)


def plan(name: str, profile: str | None, overrides: Sequence[str], target: "Target", seeds: int | None = None) -> int:
    """Print the plan of a recipe; the exit status."""
    from recipebook import project
    from recipebook.fleet.members import find_unfit, format_unfit, list_members, resolve_member, stand
    from recipebook.fleet.seeds import list_seeds, repeat_over_seeds
    from recipebook.pipeline.plan import plan_stages
    from recipebook.pipeline.train import resolve_stages
    from recipebook.train.checks import check_training, check_ways
    from recipebook.train.placebo import check_placebo
    from recipebook.train.plan import plan_run
    from recipebook.train.words import print_recipe

    resolved, stages = resolve_stages(
        name, profile, overrides, elsewhere=target.named, card=target.card if target.named else None
    )
    if seeds and not stages:
        resolved = repeat_over_seeds(resolved, seeds)
    check_ways(resolved, staged=bool(stages))
    check_placebo(resolved, stages=bool(stages))
    project.CACHE.mkdir(exist_ok=True)
    if stages:
        if seeds:
            every = list_seeds(resolved, seeds)
            print_field("fleet", f"{len(every)} seeds, one after the other; of seed {every[0]}:")
        plan_stages(resolved, stages, target)
        return 0
    check_training(resolved, elsewhere=target.named)
    print_recipe(resolved)
    if resolved.recipe.matrix:
        members = list_members(resolved)
        listed = "" if seeds else f" (make members RECIPE={resolved.name})"
        print_field("fleet", f"{len(members)} members{listed}; of {members[0].name}:")
        plan_run(first := resolve_member(resolved, members[0]).recipe, target)
        print_evaluation(first, len(members) if resolved.recipe.matrix.repeats else 1)
        if unfit := find_unfit([one for one in stand(resolved, members) if one.wanted]):
            raise UserError(format_unfit(resolved, unfit))
    else:
        plan_run(resolved.recipe, target)
        print_evaluation(resolved.recipe)
    return 0


def print_evaluation(recipe: "Recipe", seeds: int = 1) -> None:
    """Print which differences the held-out rows can show after `seeds` trainings, and why `make eval` would refuse."""
    from eval.asking.baselines import check_shots
    from eval.asking.measurable import check_prompts
    from eval.asking.prompts import draw_prompts, read_prompts
    from eval.report.power import describe_power
    from recipebook.data.dataset import prepare
    from recipebook.data.default_metrics import choose_metrics

    dataset, settings = prepare(recipe.data, system=recipe.model.system), recipe.eval
    metrics = settings.metrics or choose_metrics(recipe.data, dataset.path(settings.part))
    settings = settings.model_copy(update={"metrics": metrics})
    if line := describe_power(settings, dataset.rows[settings.part], seeds):
        print_field("power", line)
    try:
        check_prompts(settings, draw_prompts(dataset.path(settings.part), settings.limit, settings.turns).prompts)
        if settings.baselines.few_shot:
            check_shots(settings.baselines, read_prompts(dataset.path("train"), settings.turns))
    except UserError as error:
        # The section may be edited after the training as well.
        print_field("eval", f"make eval would refuse this: {error}")
