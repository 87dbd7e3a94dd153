"""Tasks' own solutions in boxes: how many are judged correct, and how many are correct with nothing done.

    python -m benchmarks.ground_truth TASKS.json --base debian --threads 4

Each task is prepared, solved by its `truth` and judged in one box, and prepared and judged in another. The last line is
one JSON object; `failed` has the numbers of the tasks whose truth was not judged correct:

    {"tasks": 500, "base": "debian", "correct": 499, "correct_undone": 0, "unprepared": 0, "failed": [359], …}
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from recipebook.project import PROJECT
from recipebook.shell.box import BoxSettings, open_box
from recipebook.shell.episodes import SECONDS
from recipebook.shell.tasks import Task, read_tasks

TASKS = PROJECT / "samples" / "shell_tasks.json"


class TriedTask(NamedTuple):
    """Whether the preparation exited with 0, and whether the check passed: after the truth, and after nothing."""

    prepared: bool
    correct: bool
    correct_undone: bool


def main() -> None:
    """Try all tasks that have a check and a truth, and print the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path, nargs="?", default=TASKS, help="a file of shell tasks")
    parser.add_argument("--base", choices=["host", "debian"], default="host", help="whose programs the boxes have")
    parser.add_argument("--threads", type=int, default=4, help="tasks at once")
    arguments = parser.parse_args()
    settings = BoxSettings(base=arguments.base)
    tasks = [task for task in read_tasks(arguments.tasks) if task.check and task.truth]
    started = time.monotonic()
    with ThreadPoolExecutor(arguments.threads) as pool:
        trials = list(pool.map(lambda task: try_task(task, settings), tasks))
    found = {
        "tasks": len(tasks),
        "base": arguments.base,
        "correct": sum(trial.correct for trial in trials),
        "correct_undone": sum(trial.correct_undone for trial in trials),
        "unprepared": sum(not trial.prepared for trial in trials),
        "failed": [task.number for task, trial in zip(tasks, trials, strict=True) if not trial.correct],
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(found))


def try_task(task: Task, settings: BoxSettings) -> TriedTask:
    """One task in two boxes."""
    prepared, correct = _judge(task, task.truth, settings)
    return TriedTask(prepared, correct, _judge(task, None, settings)[1])


def _judge(task: Task, script: str | None, settings: BoxSettings) -> tuple[bool, bool]:
    assert task.check
    with closing(open_box(settings)) as box:
        prepared = box.run(task.init, SECONDS).status == 0
        if script:
            box.run(script, SECONDS)
        return prepared, box.judge(task.check, SECONDS).status == 0


if __name__ == "__main__":
    main()
