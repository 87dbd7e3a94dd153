"""What so many seeds and rows can find is what they do find: by the noncentral t, by hand, and by simulation."""

import math

import numpy as np
import pytest

from benchmarks.seeds import SeedShares, is_broken, measure
from eval.statistics.seeds import SeedSpread, find_seeds_p, measure_seeds
from eval.statistics.seeds_power import find_known_detectable, find_seeds_detectable


def make_spread(rows: float, seeds: dict[int, float], worth: float = 100.0, groups: int = 100) -> SeedSpread:
    """A spread by the part of the rows, and by the parts of systems with so many seeds."""
    return SeedSpread(
        middle=0.0,
        seeds=tuple(seeds.values()),
        freedoms=tuple(count - 1 for count in seeds),
        rows=rows,
        worth=worth,
        skew=0.0,
        groups=groups,
        differing=groups,
    )


# Where power is 0.8 by the noncentral t: scipy.stats.nct.sf(t.ppf(0.975, freedom), freedom, noncentrality).
@pytest.mark.parametrize(("freedom", "found"), [(1, 16.3340), (2, 5.6535), (4, 3.7611), (9, 3.1496), (99, 2.8291)])
def test_of_one_part_the_power_is_that_of_the_noncentral_t(freedom: int, found: float) -> None:
    of_seeds = make_spread(0.0, {freedom + 1: 0.25})
    of_rows = make_spread(0.25, {}, worth=freedom + 1.0)
    assert float(find_known_detectable(of_seeds)) == pytest.approx(found / 2, rel=2e-3)
    assert float(find_known_detectable(of_rows)) == pytest.approx(found / 2, rel=2e-3)


def test_a_seen_part_is_divided_by_the_median_of_its_estimates() -> None:
    # Medians of chi-squared: 0.454936 for one degree, 3.356694 for four, 98.334152 for 99.
    seen = make_spread(98.334152 / 99, {2: 0.454936})
    assert float(find_seeds_detectable(seen)) == pytest.approx(float(find_known_detectable(make_spread(1.0, {2: 1.0}))))
    five = make_spread(0.0, {5: 3.356694 / 4})
    assert float(find_seeds_detectable(five)) == pytest.approx(3.7611, rel=2e-3)


def test_more_seeds_find_less_and_a_stricter_level_finds_only_more() -> None:
    two, five, ten = (float(find_known_detectable(make_spread(1.0, {seeds: 1 / seeds}))) for seeds in (2, 5, 10))
    assert two > 2 * five > 2 * ten > 2 * 2.83
    assert float(find_known_detectable(make_spread(1.0, {5: 0.2}), 0.01)) > 1.25 * five


def test_nothing_is_detectable_without_any_spread_or_with_too_few_groups() -> None:
    assert math.isnan(find_seeds_detectable(measure_seeds([np.ones((2, 3, 9))])))
    # Of five groups 2 of 2⁵ swaps are as extreme: p is 0.0625 at least. Of six it is 0.03125.
    assert math.isnan(find_known_detectable(make_spread(1.0, {3: 1.0}, groups=5)))
    assert not math.isnan(find_known_detectable(make_spread(1.0, {3: 1.0}, groups=6)))
    assert math.isnan(find_known_detectable(make_spread(1.0, {3: 1.0}, groups=6), 0.03))


def test_many_spreads_at_once_have_what_each_alone_has() -> None:
    both = make_spread(1.0, {3: 1.0})._replace(middle=np.zeros(2), rows=np.array([1.0, 4.0]), worth=np.full(2, 100.0))
    alone = [float(find_known_detectable(make_spread(rows, {3: 1.0}))) for rows in (1.0, 4.0)]
    assert find_known_detectable(both).tolist() == pytest.approx(alone)


@pytest.mark.parametrize(("seeds", "luck"), [(2, 0.5), (3, 2.0), (5, 2.0), (10, 0.5)])
def test_what_is_promised_is_found_four_times_in_five(seeds: int, luck: float) -> None:
    # A row's own value varies by 1, base's by 1/4; a training's luck and what it makes of a row belong to the seeds.
    rng, rows, sets = np.random.default_rng(seeds), 60, 2_000
    parts = make_spread(1.25 / rows, {seeds: (luck**2 + 0.25) / rows / seeds}, worth=rows, groups=rows)
    gain = float(find_known_detectable(parts))
    lucks = luck / math.sqrt(rows) * rng.normal(0, 1, (sets, seeds, 1))
    tuned = gain + lucks + rng.normal(0, 1, (sets, 1, rows)) + rng.normal(0, 0.5, (sets, seeds, rows))
    base = rng.normal(0, 0.5, (sets, 1, rows))
    drawn = [np.stack([one, np.ones_like(one)]) for one in (tuned, base)]
    assert 0.77 <= float((find_seeds_p(measure_seeds(drawn)) < 0.05).mean()) <= 0.83


def test_what_reports_say_is_found_four_times_in_five() -> None:
    found = measure("scores", 3, 60, 2.0, 1_000)
    assert 0.77 <= found.power <= 0.85
    assert not is_broken(found)


def test_a_broken_promise_is_told() -> None:
    kept = SeedShares("scores", 5, 100, 0.5, 2_000, 0.05, 0.03, 0.95, 0.8)
    assert not is_broken(kept) and not is_broken(kept._replace(power=math.nan))
    assert is_broken(kept._replace(power=0.72))
    assert is_broken(kept._replace(against_base=0.08)) and is_broken(kept._replace(mean_held=0.88))
