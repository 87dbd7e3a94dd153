"""What an agent's training came to, collection by collection: `training_stats.jsonl` in, lines for people out.

    collection 4: 9 of 48 correct, mean reward -0.22, 5 of 6 groups learned from; best: 22 of 48 in collection 3

trainer/collected.py writes the file, and says what its fields are.
"""

import json
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from recipebook.terminal import format_decimals

STATS, BEST = "training_stats.jsonl", "best"
CURE = "lower training.learning_rate, or raise rl.beta"
LAST, SURE = 3, 4.0
"""How many collections a fall must last, and how many standard errors it must have. Of simulated trainings whose policy
stays the same, with 2 to 12 groups of 8 episodes in a collection and a success of 5 to 60 %, at most 0.8 % have a fall
within 10 collections. Within 20, at most 1.4 % have one from a success of 20 % on, and 6 % at a success of 5 %."""

FAR, DRIFTED = 0.2, 4
"""Nats a token from the starting policy (trainer/divergence.py) from which on a policy is far from it, and how many
collections in a row it must be. Of simulated trainings (benchmarks/drift.py) that are far from their start in all but
the first collection and double their success, at most 3 % are stopped; so are 5 to 15 % of those that gain nothing."""

Stats = dict[str, Any]


def read_stats(folder: Path) -> list[Stats]:
    """The figures of all collections in a run's folder; none before the first."""
    path = folder / STATS
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


class NewCollections:
    """The collections that a training adds to those of before, each given once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._given = [line["success_by_kind"] for line in read_stats(folder)]

    def read(self) -> Iterator[str]:
        """Lines for people about those that are new since the last call."""
        lines = read_stats(self.folder)
        given, self._given = self._given, [line["success_by_kind"] for line in lines]
        for at, stats in enumerate(lines):
            # A resumed training plays its last collection again, and most often alike.
            if given[at : at + 1] != [stats["success_by_kind"]]:
                yield format_line(stats, lines[:at])
                if fall := find_fall(lines[: at + 1]):
                    yield fall


def format_line(stats: Stats, earlier: Sequence[Stats] = ()) -> str:
    """`collection 4: 9 of 48 correct, mean reward -0.22, 5 of 6 groups learned from; best: 22 of 48 in collection 3`"""
    reward = "none" if stats["mean_reward"] is None else format_decimals(stats["mean_reward"], 2)
    groups = f"{stats['learned_from']} of {stats['groups']} groups learned from"
    line = f"collection {stats['collection']}: {count_correct([stats])} correct, mean reward {reward}, {groups}"
    if failed := stats["outcomes"].get("unknown"):
        line += f"; besides, the environment failed {failed}"
    best = max(earlier, key=_success, default=stats)
    if _success(best) <= _success(stats):
        return line
    return f"{line}; best: {count_correct([best])} in collection {best['collection']}"


def find_fall(lines: Sequence[Stats]) -> str | None:
    """What to do about a success that has fallen below half of the best before, in each of the last collections.

    Groups are what chance is measured by, since the episodes of a group share a task, and succeed or fail together.
    """
    last, best = lines[-LAST:], max(lines[:-LAST], key=_success, default=None)
    shares = [share for line in lines for share in _list_shares(line)]
    now = [share for line in last for share in _list_shares(line)]
    if best is None or not now or not (then := _list_shares(best)):
        return None
    if max(map(_success, last)) >= _success(best) / 2:
        return None
    error = stdev(shares) * sqrt(1 / len(then) + 1 / len(now))
    if fmean(then) - fmean(now) <= SURE * error:
        return None
    fallen = f"{count_correct(last)} correct in the last {LAST} collections, {count_correct([best])}"
    return f"success has fallen: {fallen} in collection {best['collection']}, whose adapter is in {BEST}/; {CURE}"


def find_drift(lines: Sequence[Stats]) -> str | None:
    """Why to stop a policy that has gone far from its start and is no better than it was there.

    It has been far in each of the last collections, and in none of them above the first collection or above half of the
    best before. A policy that stays close to its start is never stopped.
    """
    last, before = lines[-DRIFTED:], lines[:-DRIFTED]
    if not before or any((one.get("kl") or 0.0) < FAR for one in last):
        return None
    best, reached = max(before, key=_success), max(map(_success, last))
    if reached > _success(lines[0]) or reached >= _success(best) / 2:
        return None
    gone = f"the policy has gone far from its start (kl {last[-1]['kl']:.2f}) and is no better than there"
    fallen = f"{count_correct(last)} correct in the last {DRIFTED} collections, {count_correct([best])}"
    return f"{gone}: {fallen} in collection {best['collection']}, whose adapter is in {BEST}/; {CURE}"


def format_course(lines: Sequence[Stats]) -> str:
    """`14 of 48 correct in collection 1, 22 of 48 in the last; best: 30 of 48 in collection 7`"""
    course = f"{count_correct(lines[:1])} correct in collection 1, {count_correct(lines[-1:])} in the last"
    best = max(lines, key=_success)
    if _success(best) <= _success(lines[-1]):
        return course
    return f"{course}; best: {count_correct([best])} in collection {best['collection']} (make eval CHECKPOINT=all)"


def _list_shares(stats: Stats) -> list[float]:
    """The success of each group; an earlier version wrote none down."""
    return list(stats.get("success_by_group", ()))


def _success(stats: Stats) -> float:
    return float(stats["success"])


def count_correct(lines: Sequence[Stats]) -> str:
    """`22 of 48`, without the episodes that the environment failed."""
    counts = [line["outcomes"] for line in lines]
    known = sum(sum(one.values()) - one.get("unknown", 0) for one in counts)
    return f"{sum(one.get('correct', 0) for one in counts)} of {known}"
