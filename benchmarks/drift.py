"""How often a training by reinforcement is stopped for having gone far from its start, by how its success changes.

    python -m benchmarks.drift --trainings 10000

Simulated trainings of ten collections, whose policy is far from its start from the second collection on: the worst case
for the rule, since the policy of a usual rate never is. Tasks differ: a group's success is drawn around the policy's.
Each line has the share of trainings in which `find_drift` speaks. The last line is one JSON list:

    [{"groups": 4, "start": 0.2, "end": 0.4, "stopped": 0.004}, …]
"""

import argparse
import json
from typing import Any

import numpy as np

from recipebook.run.successes import FAR, Stats, find_drift

COLLECTIONS, EPISODES = 10, 8
# Of the beta distribution from which a group's success is drawn: half of all groups then succeed or fail as a whole.
SPREAD = 1.0
COURSES = ((0.2, 0.1), (0.2, 0.2), (0.2, 0.3), (0.2, 0.4), (0.2, 0.6), (0.5, 0.05), (0.5, 0.5), (0.5, 0.7))


def main() -> None:
    """Print a line for each course and size of a collection, and all of them as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainings", type=int, default=10_000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(42)
    cells = []
    for groups in (4, 6, 12):
        for start, end in COURSES:
            stopped = measure(rng, groups, start, end, arguments.trainings)
            print(f"{groups} groups, success from {start} to {end}: {100 * stopped:.1f} % stopped")
            cells.append({"groups": groups, "start": start, "end": end, "stopped": stopped})
    print(json.dumps(cells))


def measure(rng: np.random.Generator, groups: int, start: float, end: float, trainings: int) -> float:
    """The share of trainings that are stopped, at a success that changes evenly from one value to another."""
    return sum(is_stopped(rng, groups, start, end) for _ in range(trainings)) / trainings


def is_stopped(rng: np.random.Generator, groups: int, start: float, end: float) -> bool:
    """Whether one training is, after any of its collections."""
    lines: list[Stats] = []
    for at, success in enumerate(np.linspace(start, end, COLLECTIONS)):
        lines.append(play(rng, groups, float(success), at))
        if find_drift(lines):
            return True
    return False


def play(rng: np.random.Generator, groups: int, success: float, at: int) -> dict[str, Any]:
    """A collection's figures, as the rule reads them."""
    shares = rng.beta(SPREAD * success, SPREAD * (1 - success), groups)
    correct = int(rng.binomial(EPISODES, shares).sum())
    played = groups * EPISODES
    return {
        "collection": at + 1,
        "success": correct / played,
        "outcomes": {"correct": correct, "incorrect": played - correct},
        "kl": FAR if at else 0.0,
    }


if __name__ == "__main__":
    main()
