r"""A shell task to two recorded sessions of an agent on it, as its outcomes say, in the form of AgentBench's records.

    {"task_name": "os_interaction", "sample_index": "0", "sample_status": "completed",
     "chat_history": {"value": [{"role": "user", "content": "Solve a task …"}, {"role": "agent", "content": "OK."},
                                {"role": "user", "content": "Delete the file /srv/red.txt."},
                                {"role": "agent", "content": "I delete it.\n\nAct: bash\n```bash\nrm …\n```"},
                                {"role": "user", "content": "The output of the OS is empty."},
                                {"role": "agent", "content": "It is done.\n\nAct: finish"}]},
     "finish_reason": null, "evaluation_record": {"outcome": "correct", "detail_dict": {"reward": 1.0}}}

Every task has two sessions. Of ten tasks in a row, eight are solved once and failed once, one is solved twice, the
second time without an end, and one never: by a mistake, and by an answer that is no action. In every third task, and
wherever it must, the agent looks around first.
"""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from recipebook.shell.dialogue import ROUNDS, format_rules, observe
from recipebook.shell.outcomes import Outcome, reward
from samples._shell_tasks import MadeTask

DONE = "It is done.\n\nAct: finish"

Turn = tuple[str, str]


def record_sessions(index: int, task: MadeTask) -> Iterator[dict[str, Any]]:
    """Both sessions of a task; whether they end well depends on its number."""
    start = [*_look(task)] if task.look or index % 3 == 0 else []
    solved, failed, done = _act(task, task.right), _act(task, task.wrong, task.complaint), [("agent", DONE)]
    sessions: list[tuple[Outcome, str, list[Turn]]] = [
        ("correct", "completed", solved + done),
        ("incorrect", "completed", failed + done),
    ]
    if index % 10 == 8:
        rest = (ROUNDS - 1 - len(start) // 2) * _wait(task)
        sessions[1] = ("correct", "task_limit_reached", solved + rest)
    if index % 10 == 9:
        sessions[0] = ("unknown", "agent_validation_failed", [("agent", f"{task.thought} It is done.")])
    # By turns, so that a success does not always come first.
    for outcome, status, turns in sessions[:: -1 if index % 2 else 1]:
        yield _record(str(index), task, outcome, status, [*start, *turns])


def _look(task: MadeTask) -> Iterator[Turn]:
    listed = "".join(f"{name}\n" for name in sorted(PurePosixPath(path).name for path in task.files))
    command, output = task.look or (f"ls {task.folder}", listed)
    yield "agent", f"I look around first.\n\nAct: bash\n```bash\n{command}\n```"
    yield "user", observe(output)


def _act(task: MadeTask, command: str, output: str = "") -> list[Turn]:
    return [("agent", f"{task.thought}\n\nAct: bash\n```bash\n{command}\n```"), ("user", observe(output))]


def _wait(task: MadeTask) -> list[Turn]:
    """A round that changes nothing."""
    command = f"ls -d {task.folder}"
    return [("agent", f"I look again.\n\nAct: bash\n```bash\n{command}\n```"), ("user", observe(f"{task.folder}\n"))]


def _record(index: str, task: MadeTask, outcome: Outcome, status: str, turns: list[Turn]) -> dict[str, Any]:
    begin = [("user", format_rules()), ("agent", "OK."), ("user", task.instruction)]
    return {
        "task_name": "os_interaction",
        "sample_index": index,
        "sample_status": status,
        "chat_history": {"value": [{"role": role, "content": content} for role, content in [*begin, *turns]]},
        "finish_reason": f"Task limit reached. The limit is {ROUNDS}." if status == "task_limit_reached" else None,
        "evaluation_record": {"outcome": outcome, "detail_dict": {"reward": reward(outcome)}},
    }
