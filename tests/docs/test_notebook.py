"""docs/tables.ipynb: its cells run in order, in a process of their own, on an evaluated run of robot-lora.

There is no Jupyter in `.venv`. A cell is run as Jupyter does it: all its statements in the names of the cells before
it, and the value of its last expression is the cell's result.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recipebook.project import PROJECT
from tests.end_to_end.project import Project, copy_checkout
from tests.recipebook.frames.making import answer, evaluate, write_lines, write_run

NOTEBOOK = PROJECT / "docs" / "tables.ipynb"
RUNNER = """
import ast, json, sys
names = {"__name__": "__main__"}
for cell in json.loads(sys.stdin.read()):
    tree = ast.parse(cell)
    last = ast.Expression(tree.body.pop().value) if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    value = eval(compile(last, "cell", "eval"), names) if last else None
    print(json.dumps(json.loads(value.reset_index().to_json(orient="values"))))
"""
# Three answers of four are right, and the base's never are.
ANSWERS = [("stop", "right"), ("stop", "right"), ("turn", "wrong"), ("turn", "right")]
LINES = [answer(number, said, meta={"category": kind}) for number, (kind, said) in enumerate(ANSWERS)]


def read_cells() -> list[dict[str, Any]]:
    return list(json.loads(NOTEBOOK.read_bytes())["cells"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout with an evaluated run."""
    project = copy_checkout(tmp_path_factory.mktemp("notebook") / "recipebook")
    run = write_run(
        project.folder / "runs", "robot-lora-1", recipe="robot-lora", created="2026-11-21T09:30:00+01:00",
        diagnosis="good: training loss 0.25 at the end",
    )  # fmt: skip
    write_lines(
        run.folder / "metrics.jsonl", [{"step": 10, "epoch": 0.5, "loss": 0.5}, {"step": 11, "eval_loss": 0.75}]
    )
    evaluate(run, LINES)
    return project


def run_cells(folder: Path, cells: list[str]) -> list[list[list[Any]]]:
    """The frames that the cells end with, as rows."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER], cwd=folder / "docs", input=json.dumps(cells), capture_output=True, text=True,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_cells_run_in_order_and_show_what_the_run_holds(project: Project) -> None:
    cells = ["".join(cell["source"]) for cell in read_cells() if cell["cell_type"] == "code"]
    runs, losses, scores, worst, slices, board = run_cells(project.folder, cells)
    # A time is in milliseconds since 1970.
    assert runs == [[0, "robot-lora-1", "trained", "good", 1795249800000, "exact", 0.75, 0.0]]
    assert losses == [[0, 10, 0.5, 0.5, None], [1, 11, None, None, 0.75]]
    assert scores[0] == ["exact", 0.75, 0.0, 4, 4]
    assert [row[0] for row in scores] == ["exact", "pred_length", "ref_length", "length_ratio"]
    assert [row[1:] for row in worst] == [
        ["a.json#2", "p", "right", "wrong", 0.0], ["a.json#0", "p", "right", "right", 1.0],
        ["a.json#1", "p", "right", "right", 1.0], ["a.json#3", "p", "right", "right", 1.0],
    ]  # fmt: skip
    assert slices == [["turn", 0.5, 2], ["stop", 1.0, 2]]
    assert [row[1:5] for row in board] == [[1, None, "robot-lora-1", 0.75]]


def test_the_notebook_is_of_todays_form_and_holds_no_results() -> None:
    notebook, cells = json.loads(NOTEBOOK.read_bytes()), read_cells()
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    names = [cell["id"] for cell in cells]
    assert len(names) == len(set(names)) > 10
    for cell in cells:
        assert {"cell_type", "id", "metadata", "source"} <= cell.keys()
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
