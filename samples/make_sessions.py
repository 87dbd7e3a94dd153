"""Makes recorded agent sessions: shell tasks, an agent's turns, and the evaluation's outcome.

    {"task_name": "os_interaction", "sample_index": "0", "sample_status": "completed",
     "chat_history": {"value": [{"role": "user", "content": "Solve a task …"}, {"role": "agent", "content": "OK."},
                                {"role": "user", "content": "Delete the file /srv/red.txt."},
                                {"role": "agent", "content": "I delete it.\\n\\nAct: bash\\n```bash\\nrm …\\n```"},
                                {"role": "user", "content": "The output of the OS is empty."},
                                {"role": "agent", "content": "It is done.\\n\\nAct: finish"}]},
     "finish_reason": null, "evaluation_record": {"outcome": "correct", "detail_dict": null}}

Every task has two sessions. Of ten tasks in a row, eight are solved once and failed once, one is solved twice, the
second time without an end, and one never: by a wrong command, and by an answer that is no action. In every third task
both sessions look around first. The same seed makes the same file:

    python -m samples.make_sessions --tasks 30 --seed 17 --out samples/sessions.jsonl
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from samples._generator import write_sample

RULES = (
    "Solve a task on a Linux machine. Think, then end your answer with one action: `Act: bash` and a block of bash "
    "code, or `Act: finish` when the task is solved. You have 5 rounds. Wait for the task."
)
ROUNDS = 5
FOLDERS = ["/srv", "/opt", "/data", "/home"]
NAMES = ["red", "blue", "green", "black", "white", "notes", "list", "plan", "report", "letter"]
MODES = ["600", "640", "644", "700", "755"]
EMPTY = "The output of the OS is empty."


class Task(NamedTuple):
    """The task's words, the thought and command that solve it, a command that fails, its folder, and a file in it."""

    instruction: str
    thought: str
    right: str
    wrong: str
    folder: str
    file: str | None


def write_name(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Put a word into a file."""
    instruction = f"Write the word {other} into the file {folder}/{name}.txt."
    right, wrong = f"echo {other} > {folder}/{name}.txt", f"echo {name} > {folder}/{other}.txt"
    return Task(instruction, "I write the word.", right, wrong, folder, None)


def make_folder(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Make a folder in a folder that may not be there."""
    instruction = f"Make the folder {folder}/{name}/{other}."
    return Task(
        instruction, "I make it.", f"mkdir -p {folder}/{name}/{other}", f"touch {folder}/{name}/{other}", folder, None
    )


def set_mode(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Set who may read and write a file."""
    mode, slip = rng.sample(MODES, 2)
    instruction = f"Give the file {folder}/{name}.txt the mode {mode}."
    right, wrong = f"chmod {mode} {folder}/{name}.txt", f"chmod {slip} {folder}/{name}.txt"
    return Task(instruction, "I set the mode.", right, wrong, folder, f"{name}.txt")


def count_lines(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Count the lines of a file into another."""
    instruction = f"Count the lines of {folder}/{name}.txt and write the number into {folder}/{other}.txt."
    right, wrong = (f"wc -{unit} < {folder}/{name}.txt > {folder}/{other}.txt" for unit in "lc")
    return Task(instruction, "I count them.", right, wrong, folder, f"{name}.txt")


def copy_file(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Copy a file, so that both are there."""
    files = f"{folder}/{name}.txt {folder}/{other}.txt"
    instruction = f"Copy the file {folder}/{name}.txt to {folder}/{other}.txt."
    return Task(instruction, "I copy it.", f"cp {files}", f"mv {files}", folder, f"{name}.txt")


def delete_file(rng: random.Random, folder: str, name: str, other: str) -> Task:
    """Delete one file and no other."""
    instruction = f"Delete the file {folder}/{name}.txt."
    return Task(instruction, "I delete it.", f"rm {folder}/{name}.txt", f"rm {folder}/*.txt", folder, f"{name}.txt")


KINDS = [write_name, make_folder, set_mode, count_lines, copy_file, delete_file]


def make(tasks: int, seed: int) -> Iterator[dict[str, Any]]:
    """Two sessions for each of `tasks` tasks; the kinds of tasks take turns."""
    rng = random.Random(seed)
    for index in range(tasks):
        name, other = rng.sample(NAMES, 2)
        task = KINDS[index % len(KINDS)](rng, rng.choice(FOLDERS), name, other)
        start = [*_look(task)] if index % 3 == 0 else []
        solved, failed = _act(task, task.right), _act(task, task.wrong)
        done = [("agent", "It is done.\n\nAct: finish")]
        sessions = [("correct", "completed", solved + done), ("incorrect", "completed", failed + done)]
        if index % 10 == 8:
            rest = (ROUNDS - len(start) // 2) * solved
            sessions[1] = ("correct", "task_limit_reached", rest)
        if index % 10 == 9:
            sessions[0] = ("unknown", "agent_validation_failed", [("agent", f"{task.thought} It is done.")])
        # By turns, so that a success does not always come first.
        for outcome, status, turns in sessions[:: -1 if index % 2 else 1]:
            yield _record(str(index), task, outcome, status, [*start, *turns])


def _look(task: Task) -> Iterator[tuple[str, str]]:
    yield "agent", f"I look around first.\n\nAct: bash\n```bash\nls {task.folder}\n```"
    yield "user", f"The output of the OS:\n\n{task.file}\n" if task.file else EMPTY


def _act(task: Task, command: str) -> list[tuple[str, str]]:
    return [("agent", f"{task.thought}\n\nAct: bash\n```bash\n{command}\n```"), ("user", EMPTY)]


def _record(index: str, task: Task, outcome: str, status: str, turns: list[tuple[str, str]]) -> dict[str, Any]:
    begin = [("user", RULES), ("agent", "OK."), ("user", task.instruction)]
    return {
        "task_name": "os_interaction",
        "sample_index": index,
        "sample_status": status,
        "chat_history": {"value": [{"role": role, "content": content} for role, content in [*begin, *turns]]},
        "finish_reason": f"Task limit reached. The limit is {ROUNDS}." if status == "task_limit_reached" else None,
        "evaluation_record": {"outcome": outcome, "detail_dict": None},
    }


if __name__ == "__main__":
    write_sample(__doc__, make, tasks=30, seed=17)
