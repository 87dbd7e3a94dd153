"""What a training adds to prompting, to copying and to the form of answers: a table of one main figure by system.

    python -m benchmarks.baselines --profile tiny

Trains and evaluates robot-lora and persona-unified with their baselines and their placebo, unless that was done before,
and prints for each a table in Markdown: over all test rows, over the near copies of train rows, and over the others.
The tables stand in docs/evaluation.md. The last line is one JSON list:

    [{"recipe": "robot-lora", "system": "nearest", "rows": "far", "n": 312, "mean": 0.41, "low": 0.36, "high": 0.47}, …]
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from eval.asking.near_copies import COPIES, FAR, NEAR
from eval.report.pages import format_estimate
from eval.scoring.baselines import read_baseline_scores
from eval.scoring.figures import estimate_figure
from eval.scoring.predictions import Prediction, read_predictions
from eval.scoring.rows_of_answers import Scores
from eval.scoring.score import read_scores
from eval.scoring.summary import Summary
from recipebook.run import rundir
from recipebook.run.rundir import Run

# Examples fill the context of the tiny base, and rows of persona-unified are long.
SHOTS = {"robot-lora": 5, "persona-unified": 1}
SYSTEM = {
    "robot-lora": "Answer with calls of the robot's API, as in the examples.",
    "persona-unified": "Set the devices of the home, as in the examples.",
}
PARTS = {"all": (NEAR, FAR), "near": (NEAR,), "far": (FAR,)}


def main() -> None:
    """Print a table for each recipe, and all cells as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="tiny")
    parser.add_argument("--recipes", nargs="+", default=[*SHOTS], choices=[*SHOTS])
    arguments = parser.parse_args()
    cells: list[dict[str, Any]] = []
    for recipe in arguments.recipes:
        run = evaluate(recipe, arguments.profile)
        found = list(measure(recipe, run))
        print(format_table(found), flush=True)
        cells += found
    print(json.dumps(cells))


def evaluate(recipe: str, profile: str) -> Run:
    """Train the recipe and its placebo, and evaluate it beside all baselines; what is there already is used."""
    wanted = json.dumps({"few_shot": {"shots": SHOTS[recipe], "system": SYSTEM[recipe]}, "nearest": True})
    settings = [f"eval.baselines={wanted}", "eval.placebo=shuffled"]
    command = [sys.executable, "-m", "recipebook"]
    subprocess.run([*command, "train", recipe, "--profile", profile, "--set", *settings], check=True)
    run = next(
        run
        for run in rundir.list_runs()
        if not run.fleet
        and (manifest := run.read()).recipe == recipe
        and (manifest.profile, manifest.status) == (profile, "trained")
    )
    subprocess.run([*command, "eval", run.name, "--set", *settings], check=True)
    return run


def measure(recipe: str, run: Run) -> Iterator[dict[str, Any]]:
    """The main figure of each system over each kind of rows."""
    folder = run.folder / "eval"
    summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    predictions = read_predictions(folder / "predictions.jsonl")
    tuned, base = read_scores(folder / "scores.jsonl")
    others = read_baseline_scores(folder, summary, [one.id for one in predictions])
    for system, scores in {"base": base or [], **others, "tuned": tuned}.items():
        for rows, marks in PARTS.items():
            yield {"recipe": recipe, "system": system, "rows": rows, **_estimate(summary, predictions, scores, marks)}


def _estimate(
    summary: Summary, predictions: Sequence[Prediction], scores: Sequence[Scores], marks: Sequence[str]
) -> dict[str, Any]:
    chosen = [at for at, one in enumerate(predictions) if one.meta.get(COPIES) in marks]
    groups = [predictions[at].group for at in chosen]
    found = estimate_figure(summary.main, summary.headline, [scores[at] for at in chosen], groups)
    known = found.model_dump(include={"n", "mean", "low", "high"})
    return {"figure": summary.main, **known, "text": format_estimate(found)}


def format_table(cells: Sequence[dict[str, Any]]) -> str:
    """The cells as a table in Markdown."""
    counts = {rows: max(cell["n"] for cell in cells if cell["rows"] == rows) for rows in PARTS}
    head = [f"{cells[0]['recipe']}, {cells[0]['figure']}", *(f"{rows} ({count})" for rows, count in counts.items())]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    for system in dict.fromkeys(cell["system"] for cell in cells):
        texts = [cell["text"] for cell in cells if cell["system"] == system]
        lines.append(f"| {' | '.join([system, *texts])} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
