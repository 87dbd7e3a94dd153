r"""Shell tasks as folders that Harbor runs, and whatever else reads its tasks.

    export_tasks(tasks, Path("out"))  →  out/shell-573/ with
        instruction.md              Delete the file /srv/red.txt.
        task.toml                   schema_version = "1.3", [task] name = "recipebook/shell-573", …
        environment/Dockerfile      FROM debian:bookworm, the programs that tasks call, RUN bash /prepare.sh
        environment/prepare.sh      mkdir -p /srv && touch /srv/red.txt
        tests/test.sh               writes 1 or 0 into /logs/verifier/reward.txt
        tests/check.sh              [ ! -e /srv/red.txt ]
        solution/solve.sh           rm /srv/red.txt, where the task has a known solution

The preparation runs when the image is built, so a process that it leaves running is not there for the agent.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from recipebook.building import building
from recipebook.errors import UserError
from recipebook.shell.base import PACKAGES, SUITE
from recipebook.shell.tasks import Task

NAMESPACE = "recipebook"
SHELL = "#!/bin/bash\n"
DOCKERFILE = f"""\
FROM debian:{SUITE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
    {" ".join(PACKAGES)} && rm -rf /var/lib/apt/lists/*
WORKDIR /
COPY prepare.sh /prepare.sh
# A preparation may end with another status than 0 and have prepared enough.
RUN bash /prepare.sh < /dev/null; rm /prepare.sh
"""
TEST = f"""\
{SHELL}mkdir -p /logs/verifier
cd /
if bash /tests/check.sh < /dev/null; then echo 1; else echo 0; fi > /logs/verifier/reward.txt
"""
TASK = """\
schema_version = "1.3"

[task]
name = {name}
description = {description}
keywords = {keywords}

[metadata]
number = {number}
kind = {kind}

[agent]
timeout_sec = {agent_seconds}

[verifier]
timeout_sec = {seconds}

[environment]
network_mode = "no-network"
cpus = 1
memory_mb = 512
storage_mb = 1024
"""


def export_tasks(tasks: Sequence[Task], out: Path, rounds: int, seconds: float) -> int:
    """Write a folder for each task that has a check; how many were left out, since nothing decides them.

    `seconds` is the time of a command, `rounds` how many an agent may have. UserError if `out` is there.
    """
    if out.exists():
        raise UserError(f"{out}: is there; name a folder that is not")
    checked = [(task, task.check) for task in tasks if task.check is not None]
    if not checked:
        raise UserError("no task has a check, so there is nothing that Harbor could decide")
    with building(out.name, out.parent) as folder:
        for task, check in checked:
            for name, text in _format_files(task, check, rounds, seconds).items():
                file = folder / "tasks" / f"shell-{task.number}" / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
                file.chmod(0o755 if file.suffix == ".sh" else 0o644)
        (folder / "tasks").rename(out)
    return len(tasks) - len(checked)


def _format_files(task: Task, check: str, rounds: int, seconds: float) -> dict[str, str]:
    files = {
        "instruction.md": f"{task.instruction}\n",
        "task.toml": TASK.format(
            name=_quote(f"{NAMESPACE}/shell-{task.number}"),
            description=_quote(task.instruction),
            keywords=f"[{', '.join(map(_quote, task.skills))}]",
            number=task.number,
            kind=_quote(task.kind or "shell"),
            agent_seconds=float(rounds * seconds),
            seconds=float(seconds),
        ),
        "environment/Dockerfile": DOCKERFILE,
        "environment/prepare.sh": f"{task.init}\n",
        "tests/test.sh": TEST,
        "tests/check.sh": f"{check}\n",
    }
    return files | ({"solution/solve.sh": f"{SHELL}cd /\n{task.truth}\n"} if task.truth else {})


def _quote(text: str) -> str:
    """A string of TOML, which takes what JSON writes, but for the delete character and halves of surrogate pairs."""
    return json.dumps(text.encode(errors="replace").decode(), ensure_ascii=False).replace("\x7f", "\\u007f")
