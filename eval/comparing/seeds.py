"""A fleet over training seeds as one system: its members' evaluations in; one evaluation, and its figures, out.

    join_seeds("robot-lora-seeds", [five evaluated members]) → EvaluatedRun(run="robot-lora-seeds", note=", 5 seeds", …)
    compare_systems(result, base_of_them, them) → Difference(mean=0.834, low=0.791, high=0.877, p=…)

A figure is the mean over the seeds, and its interval is to hold what other seeds and other rows would have given: see
eval/statistics/seeds.py. Rows count where all trainings, and both systems, have the figure.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.comparing.evaluations import EvaluatedRun, check_alike
from eval.scoring.figures import Result, compare_figure, estimate_figure
from eval.scoring.rows_of_answers import Scores
from eval.statistics.estimates import Difference, Estimate, agree, keep_above, list_cautions, make_empty
from eval.statistics.intervals import LEVEL, bound_constant, bound_share
from eval.statistics.ratios import add_parts
from eval.statistics.seeds import SeedSpread, bound_seeds_change, bound_seeds_mean, find_seeds_p, measure_seeds
from eval.statistics.seeds_power import find_seeds_detectable
from eval.statistics.sums import divide_sums, raise_sums, sum_groups

TEST = "t-test over seeds and rows"
# With fewer, intervals of 10 seeds held the mean 91 times in 100, by simulation.
FEW_GROUPS = 6


def join_seeds(fleet: str, runs: Sequence[EvaluatedRun], untrained: Sequence[str] = ()) -> EvaluatedRun:
    """Join the members into one system; a row's score is its mean over the seeds.

    `untrained` are the members that have no trained model, and so no part in it.
    """
    first, *others = runs
    for other in others:
        check_alike(first, other)
    joined = first._replace(
        run=fleet,
        scores=tuple(map(_average, zip(*(run.scores for run in runs), strict=True))),
        note=f", {len(runs)} of {len(runs) + len(untrained)} seeds" if untrained else f", {len(runs)} seeds",
        seeds=tuple(run.scores for run in runs),
        folder=first.folder.parent if first.folder else None,
        trainings=tuple(run.folder for run in runs if run.folder),
    )
    results = [
        result.model_copy(
            update={"tuned": estimate_system(result, joined), "base": None, "difference": None, "p_adjusted": None}
        )
        for result in first.summary.results
    ]
    return joined._replace(
        summary=first.summary.model_copy(update={"results": tuple(results), "slices": (), "baselines": ()})
    )


def estimate_system(result: Result, system: EvaluatedRun) -> Estimate:
    """A figure of a system of one training or several."""
    if not system.seeds:
        return estimate_figure(result.figure, result, system.scores, system.groups)
    (sums,), n = _sum_systems(result, [system.seeds], system.groups)
    undefined = len(system.groups) - n
    if not sums[1].sum():
        return Estimate(n=0, undefined=undefined, mean=None, low=None, high=None)
    spread = measure_seeds([sums], _choose_statistic(result))
    low, high = (float(end) for end in bound_seeds_mean(spread))
    mean = float(spread.middle)
    if result.share or result.binary:
        ends = bound_constant(mean, spread.groups, (0.0, 1.0)) if spread.error == 0 else (low, high)
        # Few right or wrong answers say less than their spread lets expect.
        exact = bound_share(round(mean * spread.groups), spread.groups) if result.binary else ends
        low, high = max(0.0, min(*ends, *exact)), min(1.0, max(*ends, *exact))
    known = (low, high) if low < high else (None, None)
    caution = _caution(result, spread) if known[0] is not None else ""
    found = Estimate(n=n, undefined=undefined, mean=mean, low=known[0], high=known[1], caution=caution)
    return keep_above(found, result.least)


def compare_systems(result: Result, first: EvaluatedRun, other: EvaluatedRun, level: float = LEVEL) -> Difference:
    """A figure of the other system less that of the first, over the rows of both."""
    if not (first.seeds or other.seeds):
        return compare_figure(result.figure, result, first.scores, other.scores, first.groups, level)
    return compare_trainings(
        result, first.seeds or (first.scores,), other.seeds or (other.scores,), first.groups, level
    )


def compare_trainings(
    result: Result,
    first: Sequence[Sequence[Scores]],
    other: Sequence[Sequence[Scores]],
    groups: Sequence[str],
    level: float = LEVEL,
) -> Difference:
    """The same by the scores of each training; a base model is one that no seed changes."""
    (after, before), n = _sum_systems(result, [other, first], groups)
    if not (after[1].sum() and before[1].sum()):
        return make_empty(TEST)
    spread = measure_seeds([after, before], _choose_statistic(result))
    low, high = (float(end) for end in bound_seeds_change(spread, level))
    if result.share or result.binary:
        ends = bound_constant(float(spread.middle), spread.groups, (-1.0, 1.0), level)
        low, high = (float(end) for end in ends) if spread.error == 0 else (max(-1.0, low), min(1.0, high))
    found = (low, high) if low < high else (None, None)
    shown_low, shown_high, p = agree(found[0], found[1], float(find_seeds_p(spread)), level)
    detectable = float(find_seeds_detectable(spread, level))
    largest = 1.0 if result.share or result.binary else np.inf
    return Difference(
        n=n,
        groups=spread.groups,
        mean=float(spread.middle),
        low=shown_low,
        high=shown_high,
        test=TEST,
        p=None if result.untested else p,
        detectable=detectable if detectable <= largest else None,
        caution=_caution(result, spread, compared=True) if found[0] is not None else "",
    )


def list_means(result: Result, system: EvaluatedRun) -> list[float]:
    """The figure of each training by itself."""
    (sums,), _ = _sum_systems(result, [system.seeds], system.groups)
    return [float(one) for one in _choose_statistic(result)(*sums)]


def _caution(result: Result, spread: SeedSpread, *, compared: bool = False) -> str:
    few = [f"{spread.groups} groups of rows are few"] if spread.groups < FEW_GROUPS else []
    share = result.share or result.binary
    return "; ".join([*few, *list_cautions(spread, share=share, compared=compared)])


def _choose_statistic(result: Result) -> Any:
    return raise_sums if result.exponential else divide_sums


def _sum_systems(
    result: Result, systems: Sequence[Sequence[Sequence[Scores]]], groups: Sequence[str]
) -> tuple[list[Any], int]:
    """Sums of each system by line, seed and group, over the rows where all trainings have the figure; their number."""
    parts = [np.stack([_read_parts(result, scores) for scores in trainings], axis=1) for trainings in systems]
    defined = ~np.any([np.isnan(part).any(axis=(0, 1)) for part in parts], axis=0)
    kept = [group for group, one in zip(groups, defined, strict=True) if one]
    sums = [
        np.stack([sum_groups(part[:, seed][:, defined], kept) for seed in range(part.shape[1])], axis=1)
        for part in parts
    ]
    return sums, len(kept)


def _read_parts(result: Result, scores: Sequence[Scores]) -> Any:
    if result.ratio:
        return add_parts(scores, result.ratio)
    values = np.array([row[result.figure] for row in scores], dtype=float)
    return np.stack([values, np.where(np.isnan(values), np.nan, 1.0)])


def _average(rows: Sequence[Scores]) -> Scores:
    """The mean score of one row over the seeds; None where a training has none."""
    found: Scores = {}
    for figure in rows[0]:
        values = [value for row in rows if (value := row[figure]) is not None]
        found[figure] = sum(values) / len(values) if len(values) == len(rows) else None
    return found
