"""A recipe and the nodes for it in; a job script for SLURM out, which `sbatch` takes as it is.

One command a node trains together with the others. A fleet is an array instead, with a member a task. SIGTERM comes
before the time is over; a training that it interrupts is queued again and resumes.
"""

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Until SLURM's SIGKILL: time for a step and a checkpoint.
GRACE_SECONDS = 180
STOPPED = 130
FIRST_PORT, PORTS = 29500, 500


@dataclass(frozen=True)
class SlurmJob:
    """What a job asks SLURM for."""

    name: str
    nodes: int
    gpus: int
    """On each node; 0: none."""
    words: tuple[str, ...]
    """Of `recipebook train`: the recipe and its layers."""
    members: tuple[str, ...] = ()
    """Of a fleet; each is a task of an array."""
    at_a_time: int | None = None
    """Tasks of the array that may run at a time; None: all."""
    time: str | None = None
    account: str | None = None
    partition: str | None = None


def render_job(job: SlurmJob, project: Path) -> str:
    """The text of the script; nothing in its `#SBATCH` lines is expanded, so all is written out.

    sbatch reads quotes in them as a shell does, and `#` begins a comment.
    """
    lines = ["#!/usr/bin/env bash", *(f"#SBATCH {line}" for line in _list_directives(job, project))]
    return "\n".join(
        [*lines, "set -uo pipefail", f"cd {shlex.quote(str(project))} || exit 1", *_list_commands(job), ""]
    )


def _list_directives(job: SlurmJob, project: Path) -> Iterator[str]:
    yield f"--job-name={shlex.quote(job.name.replace('/', '-'))}"
    yield f"--nodes={job.nodes}"
    yield "--ntasks-per-node=1"
    if job.gpus:
        yield f"--gpus-per-node={job.gpus}"
    if job.members:
        limit = f"%{job.at_a_time}" if job.at_a_time else ""
        yield f"--array=0-{len(job.members) - 1}{limit}"
    asked = {"time": job.time, "account": job.account, "partition": job.partition}
    yield from (f"--{name}={value}" for name, value in asked.items() if value)
    yield f"--signal=TERM@{GRACE_SECONDS}"
    yield "--requeue"
    yield "--open-mode=append"
    # In the name of a file, sbatch puts numbers and names in the place of what % begins.
    folder = str(project).replace("%", "%%")
    log = f"{folder}/runs/slurm/%x-{'%A_%a' if job.members else '%j'}.log"
    yield f"--output={shlex.quote(log)}"


def _list_commands(job: SlurmJob) -> Iterator[str]:
    train = shlex.join([sys.executable, "-m", "recipebook", "train", *job.words])
    if job.members:
        yield f"members=({shlex.join(job.members)})"
        train += ' --only "${members[$SLURM_ARRAY_TASK_ID]}"'
    if job.nodes > 1:
        yield 'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)'
        yield 'address=$(sinfo --noheader --nodes="$first" --format=%o | head -n 1)'
        yield f'export MAIN="$address:$(({FIRST_PORT} + SLURM_JOB_ID % {PORTS}))"'
    yield f"srun --kill-on-bad-exit=0 --wait=300 \\\n  {train}"
    yield "status=$?"
    yield "# Stopped before its end, as by the time limit: the same job resumes it."
    # The last task of an array has the array's own number, by which all tasks would be queued again.
    number = "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" if job.members else "$SLURM_JOB_ID"
    yield f'if [ "$status" -eq {STOPPED} ]; then scontrol requeue "{number}"; fi'
    yield 'exit "$status"'
