"""One question of a run's model, by the code of the evaluation."""

from pathlib import Path
from typing import Any

from eval.asking.generate import generate
from eval.asking.prompts import Prompt
from recipebook.run.rundir import Run
from release.opening import find_trained, open_model


def answer_by_evaluation(run: Run, runs: Path, messages: list[Any]) -> str:
    """The answer as `make eval` would have it."""
    trained = find_trained(run.name, runs=runs)
    opened = open_model(trained)
    prompt = Prompt("one", tuple(messages), (), {"role": "assistant", "content": "robot.stop()"}, None, {})
    (answer,) = generate(opened.model, opened.tokenizer, [prompt], trained.recipe.eval.generation, "")
    return answer.text
