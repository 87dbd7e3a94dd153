"""A fleet's members as one system: over the same rows, and over rows of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.results.pooling import pool_members
from eval.statistics.estimates import estimate
from recipebook.errors import UserError
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
HALF = ["right"] * 5 + ["no"] * 5
ALL = ["right"] * 10


def pool(*runs: Run) -> dict[str, Path]:
    return {f"member_{at}": run.folder / "eval" for at, run in enumerate(runs)}


def test_members_with_the_same_rows_have_the_mean_of_their_figures_and_rows_count_once(
    make_run: MakeRun,
) -> None:
    pooled = pool_members(pool(make_run(HALF), make_run(ALL)))
    assert (pooled.rows, pooled.main) == (20, "exact")
    values, rows = [1.0] * 5 + [0.0] * 5 + [1.0] * 10, [str(row) for row in range(10)] * 2
    assert pooled.headline.tuned == estimate(values, rows, binary=True)
    assert pooled.headline.difference is not None
    assert (pooled.headline.difference.mean, pooled.headline.difference.groups) == (0.75, 10)


def test_members_with_rows_of_their_own_count_row_by_row(make_run: MakeRun) -> None:
    other = {**CONDITIONS, "test set": "t2"}
    pooled = pool_members(pool(make_run(HALF), make_run(ALL, conditions=other)))
    assert pooled.headline.tuned.mean == 0.75
    assert pooled.headline.difference is not None
    assert pooled.headline.difference.groups == 20


def test_one_member_alone_has_its_own_figures(make_run: MakeRun) -> None:
    run = make_run(HALF)
    pooled = pool_members(pool(run))
    assert f'"mean": {pooled.headline.tuned.mean}' in (run.folder / "eval" / "summary.json").read_text()
    assert pooled.headline.difference is not None
    assert pooled.headline.difference.test == "McNemar's test"


def test_members_that_were_evaluated_in_other_ways_are_no_system(make_run: MakeRun) -> None:
    other = {**CONDITIONS, "metric settings": "m2"}
    with pytest.raises(UserError, match="member_1 was not evaluated in the same way as member_0"):
        pool_members(pool(make_run(HALF), make_run(ALL, conditions=other)))
