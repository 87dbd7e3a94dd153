"""Tables of runs as pandas DataFrames, for notebooks and scripts.

    from recipebook import frames

    frames.runs()                       every run, whatever its state
    frames.losses("robot-lora")         what its trainer logged, by step
    frames.predictions("robot-lora")    its evaluation, answer by answer
    frames.scores("robot-lora")         the score of each answer, by system and figure
    frames.leaderboard("robot-lora")    ranks with intervals and tests

Each has the columns and dtypes that its schema states (`frames.RUNS`, `frames.LOSSES`, …, all of them in
`frames.SCHEMAS`), also where there is no row at all. docs/tables.md lists them; docs/tables.ipynb is an example.
"""

from recipebook.frames.of_answers import predictions, scores
from recipebook.frames.of_ranking import leaderboard
from recipebook.frames.of_runs import losses, runs
from recipebook.frames.schemas import LEADERBOARD, LOSSES, PREDICTIONS, RUNS, SCHEMAS, SCORES

__all__ = [
    "LEADERBOARD",
    "LOSSES",
    "PREDICTIONS",
    "RUNS",
    "SCHEMAS",
    "SCORES",
    "leaderboard",
    "losses",
    "predictions",
    "runs",
    "scores",
]
