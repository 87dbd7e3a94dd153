r"""Makes shell tasks of five levels, and recorded sessions of an agent on them.

    {"sample_index": 573, "instruction": "Delete the file /srv/red.txt.",
     "initialization_command_item": {"command_name": "bash", "script": "mkdir -p /srv && printf …"},
     "evaluation_info": {"evaluation_command_item": {"command_name": "bash", "script": "[ ! -e /srv/red.txt ]"},
                         "ground_truth_command_item": {"command_name": "bash", "script": "rm /srv/red.txt"}},
     "skill_list": ["rm"], "kind": "delete_file", "level": 1}

`--form dict` writes tasks by their number, `list` as a list, `agentbench` in AgentBench's fields, where a task that
asks for a number is a question with the answer to match. `--form sessions` writes two sessions for each task, as
samples/_shell_sessions.py has them. The kinds take turns, of the levels 1 to `--levels`, and no instruction comes
twice. `--first` leaves out the tasks before it, so files of one seed can have no task in common. `--root` goes before
every path. The same seed makes the same file:

    python -m samples.make_shell --form sessions --tasks 560 --seed 29 --out samples/sessions.jsonl
    python -m samples.make_shell --form dict --first 560 --tasks 1000 --seed 29 --out samples/shell_tasks.json
"""

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from recipebook.files import write_text
from samples._generator import draw_new, make_parser, write_compact
from samples._shell_sessions import record_sessions
from samples._shell_tasks import LEVELS, NEEDED, WORDS, Kind, MadeTask

FOLDERS = ["srv", "opt", "data", "home", "work", "app", "logs", "store"]
FORMS = ["dict", "list", "agentbench", "sessions"]


class NumberedTask(NamedTuple):
    """A task with its number in the file, its kind's name and its level."""

    number: int
    kind: str
    level: int
    task: MadeTask


def draw_tasks(tasks: int, seed: int, first: int = 0, levels: int = len(LEVELS), root: str = "") -> list[NumberedTask]:
    """`tasks` tasks whose instructions differ, after the `first` ones; `root` decides nothing but the paths."""
    rng, seen = random.Random(seed), set[str]()
    kinds = [(level, kind) for level in range(1, levels + 1) for kind in LEVELS[level]]
    drawn = [_draw_new(rng, number, *kinds[number % len(kinds)], seen, root) for number in range(first + tasks)]
    return drawn[first:]


def _draw_new(rng: random.Random, number: int, level: int, kind: Kind, seen: set[str], root: str) -> NumberedTask:
    def draw() -> tuple[str, MadeTask]:
        task = kind(rng, f"{root}/{rng.choice(FOLDERS)}", rng.sample(WORDS, NEEDED))
        return task.instruction, task

    return NumberedTask(number, kind.__name__, level, draw_new(draw, seen, f"shell tasks, no new {kind.__name__}")[1])


def make_records(drawn: Iterable[NumberedTask]) -> Iterator[dict[str, Any]]:
    """The tasks in the fields of LifelongAgentBench."""
    for number, kind, level, task in drawn:
        yield {
            "sample_index": number,
            "instruction": task.instruction,
            "initialization_command_item": _script(" && ".join([_make_folders(task), *_fill_files(task)])),
            "evaluation_info": {
                "evaluation_command_item": _script(task.check),
                "ground_truth_command_item": _script(task.right),
            },
            "skill_list": task.skills,
            "kind": kind,
            "level": level,
        }


def make_agentbench_records(drawn: Iterable[NumberedTask]) -> Iterator[dict[str, Any]]:
    """The tasks in AgentBench's fields: `create` makes the folders, `start` the files in them."""
    for _, kind, level, task in drawn:
        evaluation: dict[str, Any] = {"check": [{"code": task.check}], "example": {"code": task.right}}
        if task.question:
            evaluation = {"match": task.question[1]}
        yield {
            "description": task.question[0] if task.question else task.instruction,
            "create": {"init": {"code": _make_folders(task)}},
            "start": " && ".join(_fill_files(task)) or "true",
            "evaluation": evaluation,
            "labels": [*task.skills, kind, f"level {level}"],
        }


def make_sessions(drawn: Iterable[NumberedTask]) -> Iterator[dict[str, Any]]:
    """Two recorded sessions for each task."""
    for number, _, _, task in drawn:
        yield from record_sessions(number, task)


def _make_folders(task: MadeTask) -> str:
    return f"mkdir -p {task.folder}"


def _fill_files(task: MadeTask) -> list[str]:
    fills = [_fill_file(path, lines) for path, lines in task.files.items()]
    return [*fills, task.before] if task.before else fills


def _fill_file(path: str, lines: list[str]) -> str:
    return f"printf '{''.join(line + chr(92) + 'n' for line in lines)}' > {path}"


def _script(script: str) -> dict[str, str]:
    return {"command_name": "bash", "script": script}


def format_tasks(drawn: list[NumberedTask], form: str) -> str:
    """A file's text: a record a line in each form."""
    if form == "sessions":
        return "".join(write_compact(record) + "\n" for record in make_sessions(drawn))
    if form == "dict":
        pairs = [f"{json.dumps(str(record['sample_index']))}: {json.dumps(record)}" for record in make_records(drawn)]
        return "{\n" + ",\n".join(pairs) + "\n}\n"
    records = make_agentbench_records(drawn) if form == "agentbench" else make_records(drawn)
    return "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n"


def main() -> None:
    """Write a file of tasks or sessions."""
    parser = make_parser(__doc__, tasks=600, seed=29, first=0)
    parser.add_argument("--levels", type=int, choices=LEVELS, default=len(LEVELS))
    parser.add_argument("--form", choices=FORMS, default=FORMS[0])
    parser.add_argument("--root", default="")
    arguments = vars(parser.parse_args())
    out, form = arguments.pop("out"), arguments.pop("form")
    write_text(out, format_tasks(draw_tasks(**arguments), form))


if __name__ == "__main__":
    main()
