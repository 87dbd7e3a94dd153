"""All evaluated runs in; a frame of their ranks out, as `make leaderboard` prints them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from eval.comparing.leaderboard import Group, RankedRun, UnrankedRun, rank_runs
from recipebook.frames.choosing import get_folder
from recipebook.frames.columns import build_frame
from recipebook.frames.schemas import LEADERBOARD

Row = dict[str, Any]


def leaderboard(recipe: str | None = None, folder: Path | None = None) -> pd.DataFrame:
    """The ranks of all evaluated runs, or of the runs of one recipe and of its fleet's members.

    Runs are ranked within their group, largest groups first, and are comparable with those of no other group. Below
    them are runs without a place, with the reason. The columns and their dtypes are `frames.LEADERBOARD`.

        >>> frames.leaderboard("robot-lora")[["group", "rank", "run", "mean", "difference", "tied"]]
           group  rank                         run   mean  difference   tied
        0      1     1  robot-lora-20261121-053004  0.834        <NA>  False
        1      1     2  robot-lora-20261121-040752  0.827      -0.007   True
    """
    board = rank_runs(recipe, get_folder(folder))
    alone = [group for groups in board.alone.values() for group in groups]
    rows = [row for number, group in enumerate([*board.ranked, *alone], 1) for row in _list_group(number, group)]
    return build_frame(LEADERBOARD, [*rows, *map(_describe_unranked, board.left_out)])


def _list_group(number: int, group: Group) -> Iterator[Row]:
    for one in group.standings:
        yield {
            "group": number,
            "rank": one.rank if len(group.standings) > 1 else None,
            "figure": group.figure,
            "less_is_better": group.less_is_better,
            "part": group.part,
            "rows": group.rows,
            "optimism": group.optimism if one is group.standings[0] else None,
            **_describe_ranked(one),
        }


def _describe_ranked(one: RankedRun) -> Row:
    difference = one.difference
    return {
        "run": one.run.run,
        "evaluation": one.run.where,
        "recipe": one.run.recipe,
        "profile": one.run.profile,
        "defined": one.estimate.n,
        "mean": one.estimate.mean,
        "low": one.estimate.low,
        "high": one.estimate.high,
        "difference": difference.mean if difference else None,
        "difference_low": difference.low if difference else None,
        "difference_high": difference.high if difference else None,
        "p": difference.p if difference else None,
        "p_adjusted": one.p_adjusted,
        "tied": one.tied,
        "reason": None,
    }


def _describe_unranked(one: UnrankedRun) -> Row:
    return {**{column.name: None for column in LEADERBOARD.columns}, "run": one.run, "reason": one.reason}
