"""`make find-lr`: a recipe in; a learning rate to begin with, by a few steps at each of several, out."""

import argparse

from commands._options import add_layers, add_recipe, count, read_layers

HELP = "try learning rates for a few steps each, on train rows alone, and name one to begin with"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe with its layers, the rates, and the steps of each."""
    add_recipe(parser)
    add_layers(parser)
    parser.add_argument(
        "--rates",
        type=_rate,
        nargs="+",
        default=[],
        metavar="RATE",
        help="learning rates to try; if not given, five about the recipe's own",
    )
    parser.add_argument("--steps", type=count, metavar="N", help="steps of each rate, 30 if not given")
    parser.add_argument("--workers", type=count, metavar="N", help="rates tried at a time; one for each GPU")


def run(arguments: argparse.Namespace) -> int:
    """Try them; 0 where a rate can be named, 1 where none can, 130 where it was stopped."""
    from eval.comparing.rates_page import format_rates, write_rates
    from recipebook import project
    from recipebook.errors import UserError
    from recipebook.fleet.members import name_fleet
    from recipebook.fleet.rates import STEPS, advise, read_rates, sweep_rates
    from recipebook.fleet.train import FleetChoice, train_fleet
    from recipebook.pipeline.train import resolve_stages
    from recipebook.run.index_page import write_index
    from recipebook.terminal import print_field
    from recipebook.train.checks import check_training

    given, overrides = arguments, read_layers(arguments)
    steps = given.steps or STEPS
    resolved, stages = resolve_stages(given.recipe, given.profile, overrides)
    if stages:
        raise UserError(
            f"{resolved.name} has stages, each with a rate of its own; make find-lr takes a single training"
        )
    check_training(resolved)
    fleet = sweep_rates(resolved, given.rates, steps)
    if train_fleet(fleet, overrides, FleetChoice(workers=given.workers)) == 130:
        return 130
    tried = read_rates(fleet)
    advice = advise(tried, steps)
    page = write_rates(project.RUNS / name_fleet(fleet), resolved.name, tried, advice, steps)
    write_index()
    print(format_rates(tried))
    print_field("page", project.shown(page))
    for line in advice.lines:
        print_field("advice", line)
    return int(advice.rate is None)


def _rate(text: str) -> float:
    """A learning rate: `1e-4`."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e3:
        raise argparse.ArgumentTypeError(f"'{text}' is no learning rate, such as 1e-4")
    return rate
