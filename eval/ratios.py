"""Figures that are a sum by a sum: scores of rows in, estimates and differences with 95 % intervals out.

    RATIOS = {"length_ratio": (("pred_length",), ("ref_length",))}
    estimate_ratio([{"pred_length": 2, "ref_length": 4}, {"pred_length": 4, "ref_length": 4}], …, ["a", "b"], seed=42)
    → Estimate(n=2, undefined=0, mean=0.75, …)

A metric's RATIOS name the figures that are added up above and below the line (one may be named twice: 2 tp above
2 tp + fp + fn). A mean of the rows' own ratios would let a row of one word weigh as much as one of a hundred. Groups
are resampled, and swapped between base and tuned, as in eval/statistics.py. Where nothing stands below the line of
all rows there is no ratio.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from eval.statistics import BOOTSTRAPS, CONFIDENCE, POWER, SIGN_FLIPS, Difference, Estimate

Ratio = tuple[tuple[str, ...], tuple[str, ...]]
Rows = Sequence[Mapping[str, float | None]]

TEST = "paired permutation test"
# Numbers drawn at once: bounds the memory for large test sets.
CELLS = 200_000


def estimate_ratio(scores: Rows, ratio: Ratio, groups: Sequence[str], *, seed: int) -> Estimate:
    """Ratio and interval; rows without a part of it are undefined."""
    parts = _add_parts(scores, ratio)
    defined = ~np.isnan(parts).any(axis=0)
    top, bottom = sums = _sum_groups(parts, defined, groups)
    if not bottom.sum():
        return Estimate(n=0, undefined=len(scores), mean=None, low=None, high=None)
    mean = float(top.sum() / bottom.sum())
    if np.allclose(top, mean * bottom):
        low, high = _bound_share(mean, int((bottom > 0).sum())) if (top <= bottom).all() else (None, None)
    else:
        low, high = _bootstrap(sums, seed)
    return Estimate(n=int(defined.sum()), undefined=int((~defined).sum()), mean=mean, low=low, high=high)


def compare_ratio(base: Rows, tuned: Rows, ratio: Ratio, groups: Sequence[str], *, seed: int) -> Difference:
    """Ratio of tuned - ratio of base, over the rows where both have all parts."""
    parts = np.concatenate([_add_parts(tuned, ratio), _add_parts(base, ratio)])
    defined = ~np.isnan(parts).any(axis=0)
    sums = _sum_groups(parts, defined, groups)
    if not (sums[1].sum() and sums[3].sum()):
        return Difference(n=0, groups=0, mean=None, low=None, high=None, test=TEST, p=None, detectable=None)
    low, high = _bootstrap(sums, seed)
    return Difference(
        n=int(defined.sum()),
        groups=sums.shape[1],
        mean=float(_divide_sums(*sums, axis=-1)),
        low=low,
        high=high,
        test=TEST,
        p=_test_swaps(sums, seed),
        detectable=_find_detectable(sums),
    )


def _add_parts(scores: Rows, ratio: Ratio) -> Any:
    """What stands above and below the line, row by row; nan where it is not defined."""
    values = [[[row[figure] for row in scores] for figure in figures] for figures in ratio]
    return np.array([np.array(part, dtype=float).sum(axis=0) for part in values])


def _sum_groups(parts: Any, defined: Any, groups: Sequence[str]) -> Any:
    kept = [group for group, one in zip(groups, defined, strict=True) if one]
    numbers = {group: number for number, group in enumerate(dict.fromkeys(kept))}
    index = np.array([numbers[group] for group in kept], dtype=int)
    return np.array([np.bincount(index, weights=part[defined], minlength=len(numbers)) for part in parts])


def _divide_sums(*sums: Any, axis: int) -> Any:
    """The ratio of two rows of sums, the difference of two ratios of four; not finite where a line has 0 below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first, *second = [
            top.sum(axis=axis) / bottom.sum(axis=axis) for top, bottom in zip(sums[::2], sums[1::2], strict=True)
        ]
        return first - second[0] if second else first


def _bootstrap(sums: Any, seed: int) -> tuple[float | None, float | None]:
    groups = sums.shape[1]
    if groups < 2:
        return None, None
    # Few groups are wider of the mark than resampling them tells, as Student's t is wider than the normal.
    widened = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) * math.sqrt(groups / (groups - 1))
    with warnings.catch_warnings():
        # A resample with 0 below the line; an end of the interval that it reaches is left out.
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            tuple(sums),
            _divide_sums,
            paired=True,
            vectorized=True,
            n_resamples=BOOTSTRAPS,
            batch=max(1, CELLS // groups),
            confidence_level=2 * stats.norm.cdf(widened) - 1,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
    low, high = (float(end) for end in result.confidence_interval)
    return low if math.isfinite(low) else None, high if math.isfinite(high) else None


def _bound_share(share: float, groups: int) -> tuple[float, float]:
    """Of groups that are all alike: Wilson's interval for none in so many says how many others may be unseen."""
    unseen = float(stats.binomtest(0, groups).proportion_ci(CONFIDENCE, method="wilson").high)
    return share - unseen * share, share + unseen * (1 - share)


def _test_swaps(sums: Any, seed: int) -> float:
    """Swap whole groups at random: if the models were alike, each one's answers could as well be the other's."""
    observed = abs(float(_divide_sums(*sums, axis=-1)))
    close = 1e-9 * max(observed, 1.0)
    tuned, base = sums[:2], sums[2:]
    moved = (tuned - base)[:, (tuned != base).any(axis=0)]
    if not moved.size:
        return 1.0
    batch = max(1, CELLS // moved.shape[1])
    rng = np.random.default_rng(seed)
    larger, equal = 0, 0
    for start in range(0, SIGN_FLIPS, batch):
        swapped = rng.integers(0, 2, size=(min(batch, SIGN_FLIPS - start), moved.shape[1])) @ moved.T
        totals = [*(tuned.sum(axis=1) - swapped).T, *(base.sum(axis=1) + swapped).T]
        surplus = abs(_divide_sums(*(total[:, None] for total in totals), axis=-1)) - observed
        alike = abs(surplus) <= close
        equal += int(alike.sum())
        # Written so that swaps which leave 0 below the line count as larger.
        larger += int((~alike & ~(surplus < 0)).sum())
    return (larger + equal / 2 + 1) / (SIGN_FLIPS + 1)


def _find_detectable(sums: Any) -> float | None:
    """The smallest true difference found four times in five, by what each group adds to the two ratios' errors."""
    groups = sums.shape[1]
    if groups < 2:
        return None
    errors = [(top - top.sum() / bottom.sum() * bottom) / bottom.sum() for top, bottom in (sums[:2], sums[2:])]
    error = math.sqrt(groups / (groups - 1) * float(((errors[0] - errors[1]) ** 2).sum()))
    quantiles = stats.t.ppf((1 + CONFIDENCE) / 2, groups - 1) + stats.t.ppf(POWER, groups - 1)
    return float(quantiles) * error if error else None
