"""How much too good the best of several runs looks, since it was chosen by the rows it is measured on.

In: the scores of each run on the same rows. Out: what to take off the figure of the best, in the figure's own units:

    estimate_optimism([run_a, run_b], result, groups, seed=42) → 0.012: of the best's 0.834, rather 0.822 will be left

Groups are drawn with replacement, and in each draw the choice is made again: best = argmax_k figure_k(drawn). The
chosen run is measured on the groups that were not drawn, which had no influence on the choice:

    optimism = max_k figure_k(all) - mean over draws of figure_best(not drawn)

(Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient and accurate
cross-validation", Machine Learning 107, 2018.) If the chosen run were measured on all rows instead, its luck would be
partly in both terms, and for equal runs the estimate would be only 0.7 of the true optimism. In simulations the
estimate is 0.85 to 1.15 of the true optimism for equal runs, up to 1.5 of it for runs that differ as much as luck does,
and close to 0 where one run is clearly the best.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eval.scoring.figures import Result
from eval.statistics.ratios import add_parts
from eval.statistics.sums import sum_groups

BOOTSTRAPS = 2_000
# Numbers drawn at once: bounds the memory for large test sets, and spares small ones the many small steps.
CELLS = 200_000


def estimate_optimism(
    runs: Sequence[Sequence[Mapping[str, float | None]]], result: Result, groups: Sequence[str], seed: int
) -> float | None:
    """How much the best run's figure gains by being chosen; None for a single run, or if it cannot be estimated."""
    tops, bottoms = _sum_runs(runs, result, groups)
    whole = _divide(tops.sum(axis=1), bottoms.sum(axis=1), result)
    width = tops.shape[1]
    if len(runs) < 2 or width < 2 or not np.isfinite(whole).all():
        return None
    rng, found = np.random.default_rng(seed), list[Any]()
    batch = max(1, CELLS // width)
    for start in range(0, BOOTSTRAPS, batch):
        draws = rng.multinomial(width, [1 / width] * width, size=min(batch, BOOTSTRAPS - start))
        inside = _divide(draws @ tops.T, draws @ bottoms.T, result)
        left = draws == 0
        outside = _divide(left @ tops.T, left @ bottoms.T, result)
        best = np.argmax(np.where(np.isfinite(inside), inside, -np.inf), axis=1)
        found.append(outside[np.arange(len(best)), best])
    worth = np.concatenate(found)
    worth = worth[np.isfinite(worth)]
    # Being chosen never makes a run look worse; below 0 is the draws' own noise.
    return max(0.0, float(whole.max() - worth.mean())) if len(worth) else None


def _sum_runs(
    runs: Sequence[Sequence[Mapping[str, float | None]]], result: Result, groups: Sequence[str]
) -> tuple[Any, Any]:
    """Numerators and denominators: a row for each run, a column for each group; undefined values count as 0."""
    parts = np.array([_read_parts(scores, result) for scores in runs])
    defined = ~np.isnan(parts).any(axis=1, keepdims=True)
    kept = np.where(defined, parts, 0.0)
    return sum_groups(kept[:, 0], groups), sum_groups(kept[:, 1], groups)


def _read_parts(scores: Sequence[Mapping[str, float | None]], result: Result) -> Any:
    if result.ratio:
        return add_parts(scores, result.ratio)
    values = np.array([row[result.figure] for row in scores], dtype=float)
    return np.array([values, np.ones_like(values)])


def _divide(top: Any, bottom: Any, result: Result) -> Any:
    """The figure, turned so that more is better."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        figure = np.exp(top / bottom) if result.exponential else top / bottom
    return -figure if result.less_is_better else figure
