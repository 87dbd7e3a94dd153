"""Reinforcement whose server and whose trainer are killed: it ends with the episodes of an uninterrupted training."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.orphans import find_in
from tests.end_to_end.project import Project
from tests.recipebook.shell.boxes import needs_boxes

pytestmark = [pytest.mark.long, needs_boxes]

# Rewards by lot: the embedded base solves no task before a warm start, and yet its weights shall move.
RECIPE = """\
description: three collections of eight short episodes
model: {base: models/tiny-base, chat_template: chatml}
data:
  source: samples/shell_tasks.json
  converter: shell_tasks
  options: {levels: [1]}
  split: {by: [instruction], validation: 0, test: 0.5}
lora: {r: 4, alpha: 8, dropout: 0, target_modules: [q_proj, v_proj]}
training:
  {method: grpo, batch_size: 4, learning_rate: 1e-3, scheduler: constant, warmup_ratio: 0, max_length: 512,
   logging_steps: 1, keep_checkpoints: 4}
rl:
  {collections: 3, episodes: 8, group: 4, epochs: 2, redraws: 1, least_success: 0, control: random, rounds: 2,
   seconds: 5, answer_tokens: 16}
eval: {metrics: {shell: {}}, main: success, generation: {max_new_tokens: 16}}
"""
COMMAND = ("train", "three", "--profile", "tiny")
SERVER = b"recipebook.shell.serving"


def find_trainer(folder: Path) -> int:
    (found,) = [one for one in find_in(folder) if b"axolotl" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return found


def find_servers(trainer: int) -> list[int]:
    """The servers of shell tasks that a trainer has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == trainer and SERVER in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until_step(folder: Path, step: int) -> None:
    while json.loads((folder / "progress.json").read_bytes())["step"] < step:
        time.sleep(0.02)


def read_collections(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "training_stats.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def killed(project: Project) -> tuple[Path, int]:
    """A run whose server was killed after the first collection, and whose trainer was killed after the second."""
    (project.folder / "recipes" / "three.yaml").write_text(RECIPE)
    process, folder = project.start_until(1, *COMMAND)
    trainer = find_trainer(folder)
    (server,) = find_servers(trainer)
    os.kill(server, signal.SIGKILL)
    wait_until_step(folder, 6)
    (other,) = find_servers(trainer)
    assert other != server
    os.kill(trainer, signal.SIGKILL)
    process.communicate(timeout=120)
    return folder, other


def test_a_killed_trainer_leaves_no_server(killed: tuple[Path, int]) -> None:
    until = time.monotonic() + 60
    while Path(f"/proc/{killed[1]}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{killed[1]}").exists()


def test_a_killed_run_ends_with_the_episodes_and_the_weights_of_an_uninterrupted_one(
    project: Project, killed: tuple[Path, int]
) -> None:
    folder, _ = killed
    status, said = project.run(*COMMAND)
    assert status == 0, said
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [attempt["outcome"] for attempt in manifest["attempts"]] == ["failed", "trained"]
    assert manifest["attempts"][1]["from_step"] == 4
    resumed = read_collections(folder)
    assert [(one["collection"], one["step"], sum(one["outcomes"].values())) for one in resumed] == [
        (1, 0, 8), (2, 4, 8), (3, 8, 8),
    ]  # fmt: skip
    transcripts = [path.read_text() for path in sorted((folder / "transcripts").iterdir())]
    assert [text.count("\n") for text in transcripts] == [8, 8, 8]
    assert resumed[0]["kl"] == pytest.approx(0.0, abs=1e-6)
    assert resumed[2]["kl"] > 1e-4

    status, said = project.run(*COMMAND, "--force")
    assert status == 0, said
    whole, uninterrupted = project.newest()
    assert read_collections(whole) == resumed
    assert [path.read_text() for path in sorted((whole / "transcripts").iterdir())] == transcripts
    assert uninterrupted["weights"]["digest"] == manifest["weights"]["digest"]
