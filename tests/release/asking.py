"""One question of a run's model, by the code of the evaluation; and what a command says of a damaged one."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from eval.asking.generate import generate
from eval.asking.prompts import Prompt
from recipebook.project import PROJECT
from recipebook.run.rundir import Run
from release.opening import find_trained, open_model


def answer_by_evaluation(run: Run, runs: Path, messages: list[Any]) -> str:
    """The answer as `make eval` would have it."""
    trained = find_trained(run.name, runs=runs)
    opened = open_model(trained)
    prompt = Prompt("one", tuple(messages), (), {"role": "assistant", "content": "robot.stop()"}, None, {})
    (answer,) = generate(opened.model, opened.tokenizer, [prompt], trained.recipe.eval.generation, "")
    return answer.text


def refuse_damaged(run: Run, *command: str) -> None:
    """Damage the weights of a run; the command of a project that has it names them on one line, and says no more."""
    weights = run.folder / "model" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    project = run.folder.parent / "project"
    project.mkdir()
    (project / "runs").symlink_to(run.folder.parent)
    done = subprocess.run(
        [sys.executable, "-m", "recipebook", *command],
        cwd=PROJECT,
        env={**os.environ, "RECIPEBOOK_PROJECT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "adapter_model.safetensors" in done.stderr and done.stderr.count("\n") == 1
