"""What a test set can find, before anything is trained: a recipe and the number of its held-out rows in; a line out.

    exact: with 618 test rows, differences under 4.2 points would often go unnoticed (80 % power), where tuning
    loses 1 row in 20

A power that is known before the experiment spares trainings that can show nothing (Card et al., "With little power
comes great responsibility", EMNLP 2020). Of a right-or-wrong figure it follows from the rows and from how many of them
tuning loses; of others from the spread of their differences, which nobody knows yet, nor how long its tails are: where
1 row in 10 loses far more than the others, a difference of that size is found 73 times in 100 with 30 rows.

Several seeds are judged as one system, whose figure has a spread of its own. It is not known either, and is taken to be
as large as that of the rows, as it often is (Bouthillier et al., "Accounting for variance in machine learning
benchmarks", MLSys 2021).
"""

import math

from eval.scoring.score import load_metric
from eval.statistics.pairs import find_pairs_detectable, solve_for_gain
from eval.statistics.seeds import SeedSpread
from eval.statistics.seeds_power import find_known_detectable
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import name_figures
from recipebook.terminal import format_count, format_decimals

# The share of rows that tuning is taken to lose: in robot-lora and toolformer-sft it is less.
LOST = 0.05


def describe_power(settings: Evaluation, rows: int, seeds: int = 1) -> str:
    """The smallest difference in the main figure that `rows` rows find with 80 % power; empty without a figure."""
    named = name_figures(settings.metrics)
    main = settings.main or next(iter(named), None)
    drawn = min(rows, settings.limit or rows)
    if main is None or not drawn:
        return ""
    metric, figure = named[main]
    averaged = settings.variants or settings.generation.samples > 1
    binary = not averaged and figure in load_metric(metric).BINARY
    found = find_detectable(drawn, seeds, binary=binary)
    many = f"{main}: with {format_count(drawn, f'{settings.part} rows')}" + (f" and {seeds} seeds" if seeds > 1 else "")
    if not found <= (1 if binary else math.inf):
        return f"{many}, hardly any difference would be found (80 % power)"
    deviations = f"{format_decimals(found, 2)} standard deviations of a row's difference"
    size = f"{format_decimals(100 * found, 1)} points" if binary else deviations
    taken = [f"tuning loses 1 row in {1 / LOST:.0f}" if binary else "no row loses far more than the others"]
    taken += ["another seed changes the figure as much as other rows would"] if seeds > 1 else []
    where = " and ".join(taken)
    return f"{many}, differences under {size} would often go unnoticed (80 % power), where {where}"


def find_detectable(rows: int, seeds: int = 1, *, binary: bool = True) -> float:
    """The smallest difference that is found with 80 % power: of a share, or in standard deviations of a row's."""
    if binary and seeds == 1:
        return find_pairs_detectable(LOST, rows)
    # In errors of the rows.
    spread = SeedSpread(
        middle=0.0,
        seeds=(1 / seeds,) if seeds > 1 else (),
        freedoms=(seeds - 1,) if seeds > 1 else (),
        rows=1.0,
        worth=float(rows),
        skew=0.0,
        groups=rows,
        differing=rows,
    )
    found = float(find_known_detectable(spread))
    return solve_for_gain(LOST, found**2 / rows) if binary else found / math.sqrt(rows)
