"""Several trainings of one recipe as one system: the parts of its variance, intervals and tests."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.seeds import RARE, is_broken, measure
from eval.statistics.intervals import bound_mean, find_change_p
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
