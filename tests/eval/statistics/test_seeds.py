"""Several trainings of one recipe as one system: the parts of its variance, intervals and tests."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.seeds import RARE, is_broken, measure
from eval.statistics.intervals import bound_change, bound_mean, find_change_p
from eval.statistics.seeds import bound_seeds_change, bound_seeds_mean, find_seeds_p, measure_seeds

# Two seeds and two rows, each a group: one training has the second row wrong.
SCORES = [[1.0, 0.0], [1.0, 1.0]]
SYSTEM = np.array([SCORES, np.ones((2, 2))])
BASE = np.array([[[0.0, 0.0]], np.ones((1, 2))])


def test_the_variance_has_the_parts_of_seeds_and_of_rows() -> None:
    spread = measure_seeds([SYSTEM])
    # The seeds' means are 1/2 and 1: their variance is 1/8, that of their mean half of it. The rows' means are 1 and
    # 1/2 as well; but what is left of each score is 1/4 or -1/4, with as large a part, which the seeds' contains.
    assert (spread.middle, spread.seeds, spread.freedoms) == (0.75, (0.0625,), (1,))
    assert spread.rows == 0
    low, high = bound_seeds_mean(spread)
    assert [float(low), float(high)] == pytest.approx([0.75 - 12.706 * 0.25, 0.75 + 12.706 * 0.25], abs=1e-3)


def test_rows_that_all_trainings_find_hard_are_the_rows_part() -> None:
    same = np.array([[[1.0, 0.0, 1.0, 1.0]] * 3, np.ones((3, 4))])
    spread = measure_seeds([same])
    # 3/4 right: a variance of 3/16 · 4/3 = 1/4, of the mean of four rows 1/16.
    assert spread.seeds == (0.0,)
    assert float(spread.rows) == pytest.approx(1 / 16)
    assert float(bound_seeds_mean(spread)[1]) == pytest.approx(0.75 + stats.t.ppf(0.975, 3) / 4)


def test_the_limit_of_t_is_weighed_by_the_parts() -> None:
    # Seeds' means 0.5 ± 0.1, rows' means 0 and 1, nothing in both together.
    scores = [[value - 0.1, value + 0.1] for value in (0.0, 1.0)]
    spread = measure_seeds([np.array([np.transpose(scores), np.ones((2, 2))])])
    # Parts 0.02 / 2 and 0.5 / 2, each with a freedom of 1.
    assert [float(spread.seeds[0]), float(spread.rows)] == pytest.approx([0.01, 0.25])
    half = stats.t.ppf(0.975, 1) * 0.26**0.5
    assert [float(end) for end in bound_seeds_mean(spread)] == [pytest.approx(0.5 - half), pytest.approx(0.5 + half)]


def test_one_training_against_another_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    first, second = (np.array([rng.normal(0, 1, (1, 40)), np.ones((1, 40))]) for _ in range(2))
    spread = measure_seeds([first, second])
    assert float(find_seeds_p(spread)) == pytest.approx(float(find_change_p(np.concatenate([first, second])[:, 0])))


def test_interval_and_test_agree_and_a_few_rows_prove_nothing() -> None:
    rng = np.random.default_rng(2)
    for gain in np.linspace(0, 1, 21):
        drawn = np.array([rng.normal(gain, 1, (3, 30)), np.ones((3, 30))])
        spread = measure_seeds([drawn, np.array([np.zeros((1, 30)), np.ones((1, 30))])])
        low, high = bound_seeds_change(spread)
        assert (find_seeds_p(spread) < 0.05) == (low > 0 or high < 0)
    # Two rows differ: of 2² ways to swap, this one and its opposite are as extreme.
    everywhere = np.array([np.ones((2, 2)), np.ones((2, 2))])
    assert float(find_seeds_p(measure_seeds([everywhere, BASE]))) == 0.5


@pytest.mark.filterwarnings("error")
def test_trainings_that_all_agree_warn_of_nothing() -> None:
    rows = np.array([[[1.0] * 20 + [0.0] * 20] * 2, np.ones((2, 40))])
    base = np.array([np.zeros((1, 40)), np.ones((1, 40))])
    spread = measure_seeds([rows, base])
    assert spread.seeds == (0.0,)
    # 0.5 by its error, the root of 0.25 / 39, would be p = 2e-7; but 20 rows differ, with 2²⁰ ways to swap them.
    assert float(find_seeds_p(spread)) == 2**-19


def test_a_base_that_by_luck_is_never_right_is_no_proof() -> None:
    # Ten trainings have 2 of 100 rows right, each two others; another model as good has none right 13 times in 100.
    right = np.zeros((10, 100))
    right[np.arange(20) // 2, np.arange(20)] = 1.0
    spread = measure_seeds([np.stack([right, np.ones((10, 100))]), np.stack([np.zeros((1, 100)), np.ones((1, 100))])])
    # A row's own variance is 0.1 in 20 rows: 2 of 100², and 99 / 100 · 100² / 99² of it by the jackknife.
    assert float(spread.rows) == pytest.approx(2 / 100 / 99)
    # 0.02 is 1.4071 such errors; by t with 99 degrees of freedom that is 0.1625.
    assert float(find_seeds_p(spread)) == pytest.approx(0.1625, abs=1e-4)


def twice(gains: list[float]) -> list[np.ndarray]:
    """Two trainings that agree and gain so much in each row, and a base of 0: what a single run is in all but name."""
    rows = len(gains)
    return [np.array([[gains] * 2, np.ones((2, rows))]), np.array([np.zeros((1, rows)), np.ones((1, rows))])]


@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize(
    "gains",
    [
        [0.1] * 8 + [0.0, 0.0],
        [-0.1] * 8 + [0.0, 0.0],
        [1.0] * 9 + [-9.0],
        [-1.0] * 9 + [9.0],
        [0.2] * 9 + [5.0],
    ],
)
def test_trainings_that_agree_are_bounded_as_a_single_one(gains: list[float], level: float) -> None:
    pair = twice(gains)
    single = np.concatenate([each[:, 0] for each in pair])
    spread = measure_seeds(pair)
    expected = [float(end) for end in bound_change(single, share=False, level=level)]
    assert [float(end) for end in bound_seeds_change(spread, level)] == pytest.approx(expected)
    assert float(find_seeds_p(spread)) == pytest.approx(float(find_change_p(single)))


@pytest.mark.parametrize("gains", [[0.1] * 8 + [0.0, 0.0], [1.0] * 9 + [-9.0], [0.2] * 9 + [5.0]])
def test_the_mean_of_trainings_that_agree_is_bounded_as_that_of_a_single_one(gains: list[float]) -> None:
    tuned = twice(gains)[0]
    alone = [float(end) for end in bound_mean(tuned[:, 0], share=False)]
    assert [float(end) for end in bound_seeds_mean(measure_seeds([tuned]))] == pytest.approx(alone)


def test_many_test_sets_at_once_are_each_as_alone() -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 5, size=(2, 1, 8)).astype(float)
    # All trainings find the same rows hard, so that rows have a part beyond the trainings' own.
    ease = 4 * rng.random((2, 1, 8))
    first = np.stack([(ease + rng.random((2, 3, 8))) * sizes, np.broadcast_to(sizes, (2, 3, 8))])
    other = np.stack([rng.random((2, 2, 8)) * sizes, np.broadcast_to(sizes, (2, 2, 8))])
    both = measure_seeds([first, other])
    for at in range(2):
        alone = measure_seeds([first[:, at], other[:, at]])
        assert [float(one[at]) for one in both.seeds] == pytest.approx([float(one) for one in alone.seeds])
        for name in ("middle", "rows", "worth", "skew", "differing"):
            assert float(getattr(both, name)[at]) == pytest.approx(float(getattr(alone, name)))
        assert float(find_seeds_p(both)[at]) == pytest.approx(float(find_seeds_p(alone)))


def test_groups_in_which_two_systems_differ_are_counted_but_for_rounding() -> None:
    ones = np.ones((1, 3))
    large, small = np.array([[3e5, 0.5, 0.5]]), np.array([[3e5 + 1.5e-4, 0.5, 0.5 + 1.5e-9]])
    assert float(measure_seeds([np.array([large, ones]), np.array([small, ones])]).differing) == 1
    # Of one system all groups count, in each test set.
    sets = np.ones((2, 4, 2, 3))
    assert measure_seeds([sets]).differing.tolist() == [3, 3, 3, 3]


def test_groups_of_unequal_size_are_worth_fewer() -> None:
    # 8² / (4² + 2² + 2²)
    spread = measure_seeds([np.array([[[4.0, 0.0, 2.0]] * 2, [[4.0, 2.0, 2.0]] * 2])])
    assert float(spread.worth) == pytest.approx(64 / 24)
    assert (spread.groups, float(spread.differing)) == (3, 3)


def test_what_does_not_vary_has_no_skew_and_is_no_difference() -> None:
    same = np.array([[[0.5] * 4] * 2, np.ones((2, 4))])
    spread = measure_seeds([same, same])
    assert (float(spread.skew), float(spread.error), float(spread.differing)) == (0.0, 0.0, 0)
    assert float(find_seeds_p(spread)) == 1.0
    # As much is won as lost.
    assert float(find_seeds_p(measure_seeds(twice([1.0, -1.0] * 5)))) == 1.0


def test_a_long_tail_makes_its_side_longer() -> None:
    # Nine rows of 0 and one of 1, by two trainings that agree: as one mean (tests/eval/statistics/test_intervals.py).
    rows = np.array([[[0.0] * 9 + [1.0]] * 2, np.ones((2, 10))])
    alone = bound_mean(rows[:, 0], share=False)
    spread = measure_seeds([rows])
    assert [float(end) for end in bound_seeds_mean(spread)] == pytest.approx([float(end) for end in alone])
    # Of a difference the end nearer to 0 is Student's: 0.1 less 2.262157 errors of 0.1.
    assert float(bound_seeds_change(spread)[0]) == pytest.approx(0.1 - 0.2262157)
    assert float(bound_seeds_change(spread)[1]) == float(bound_seeds_mean(spread)[1]) > 0.4


@pytest.mark.parametrize("kind", ["scores", "right or wrong"])
@pytest.mark.parametrize(("seeds", "luck"), [(2, 2.0), (3, 0.5), (5, 2.0)])
def test_equal_systems_are_seldom_said_to_differ(kind: str, seeds: int, luck: float) -> None:
    assert not is_broken(measure(kind, seeds, 60, luck, 500))


def test_ten_trainings_that_are_rarely_right_are_seldom_said_to_differ_from_one() -> None:
    # By the base's own spread alone 9 of 100 were: it may by luck have none right.
    assert measure(RARE, 10, 100, 0.0, 500).against_base < 0.05
