"""What a test set can find, before anything is trained: a recipe and the number of its held-out rows in; a line out.

    exact: with 618 test rows, differences under 4.2 points would often go unnoticed (80 % power), where tuning
    loses 1 row in 20

A power that is known before the experiment spares trainings that can show nothing (Card et al., "With little power
comes great responsibility", EMNLP 2020). Of a right-or-wrong figure it follows from the rows and from how many of them
tuning loses; of others from the spread of their differences, which nobody knows yet.
"""

import math

from scipy import special  # type: ignore[import-untyped]

from eval.scoring.score import load_metric
from eval.statistics.intervals import LEVEL, POWER
from eval.statistics.pairs import find_pairs_detectable
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.figures import name_figures

# The share of rows that tuning is taken to lose: in robot-lora and toolformer-sft it is less.
LOST = 0.05


def describe_power(settings: Evaluation, rows: int) -> str:
    """The smallest difference in the main figure that so many rows find with 80 % power; empty without a figure."""
    named = name_figures(settings.metrics)
    main = settings.main or next(iter(named), None)
    drawn = min(rows, settings.limit or rows)
    if main is None or not drawn:
        return ""
    metric, figure = named[main]
    many = f"{main}: with {drawn} {settings.part} rows, differences under"
    end = "would often go unnoticed (80 % power)"
    averaged = settings.variants or settings.generation.samples > 1
    if averaged or figure not in load_metric(metric).BINARY:
        return f"{many} {_sum_limits() / math.sqrt(drawn):.2f} standard deviations of a row's difference {end}"
    found = find_detectable(drawn)
    return f"{many} {100 * found:.1f} points {end}, where tuning loses 1 row in {1 / LOST:.0f}"


def find_detectable(rows: int) -> float:
    """The smallest difference in a right-or-wrong figure that is found with 80 % power."""
    # The d that equals the two limits times its own error: d² = weight (2 LOST + d - d²).
    weight = _sum_limits() ** 2 / rows
    root = (weight + math.sqrt(weight**2 + 8 * LOST * weight * (1 + weight))) / (2 * (1 + weight))
    return float(find_pairs_detectable(round(LOST * rows), rows, min(1.0, root)))


def _sum_limits() -> float:
    return float(special.ndtri(1 - LEVEL / 2) + special.ndtri(POWER))
