"""`make eval`: base and tuned model answer the held-out prompts; predictions, scores and report.html in `eval/`.

A fleet, a run of stages and a single run each go their own way: eval/evaluate_fleet.py, eval/evaluate_stages.py,
eval/evaluate.py.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from commands._options import RUN, amount, count, run_name
from recipebook.errors import UserError

if TYPE_CHECKING:
    from eval.report.gate import Gate
    from recipebook.run.rundir import Run

# MODE= and the value of eval.generation.adapter that it stands for.
MODES = {"adapter": "apart", "merged": "merged"}
# The checkpoint that stands for all of them.
ALL = 0

HELP = "evaluate base and tuned model on the test prompts; writes report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, which checkpoint of it, and how it is evaluated."""
    parser.add_argument("run", type=run_name, help=RUN)
    parser.add_argument(
        "--checkpoint", type=_checkpoint, metavar="STEP", help="one of the run's checkpoints, or all, to choose one"
    )
    parser.add_argument("--data", metavar="SOURCE", help="a source of your own, in place of the held-out rows")
    parser.add_argument("--model", metavar="MODEL", help="a folder or a name on the hub, in place of the tuned model")
    parser.add_argument("--mode", choices=MODES, help="the adapter merged into its base, or apart from it")
    parser.add_argument("--gate", choices=("better", "not-worse"), help="end with status 1 unless the verdict says so")
    parser.add_argument("--margin", type=amount, metavar="D", help="for not-worse: what it may be worse by")
    parser.add_argument("--set", nargs="*", action="extend", default=[], metavar="eval.KEY=VALUE", dest="overrides")


def _checkpoint(text: str) -> int:
    return ALL if text == "all" else count(text)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate it."""
    from recipebook.run.index_page import write_index

    given = arguments
    if given.margin and given.gate != "not-worse":
        raise UserError("MARGIN is for GATE=not-worse")
    if given.gate == "not-worse" and not given.margin:
        raise UserError("GATE=not-worse needs MARGIN=, what it may be worse by, such as MARGIN=0.02")
    if given.model and given.checkpoint is not None:
        raise UserError("MODEL takes the place of the run's model, so CHECKPOINT has no meaning beside it")
    if given.model and given.mode:
        raise UserError("MODEL takes the place of the run's adapter, so MODE has no meaning beside it")
    overrides = [*given.overrides, *([f"eval.generation.adapter={MODES[given.mode]}"] if given.mode else [])]
    code = evaluate(given.run, overrides, given.checkpoint, given.data, given.gate, given.margin or 0.0, given.model)
    write_index()
    return code


def evaluate(
    query: str,
    overrides: Sequence[str],
    checkpoint: int | None = None,
    data: str | None = None,
    gate: "Gate | None" = None,
    allowed: float = 0.0,
    model: str | None = None,
) -> int:
    """Evaluate a trained run, by its name or its recipe's, or one of its checkpoints, or a fleet; the exit status.

    `gate` is what the verdict must say for a status of 0, `allowed` what not-worse may be worse by; `model` is
    evaluated in place of the run's own.
    """
    from recipebook.project import shown
    from recipebook.run import rundir

    given = {"DATA": data, "MODEL": model, "GATE": gate}
    if members := [] if checkpoint is not None else rundir.list_fleet(query):
        _refuse(given, f"{query} is a fleet; {{}} takes one of its members: {members[0][0].name}")
        from eval.evaluate_fleet import evaluate_fleet

        return evaluate_fleet(query, members, overrides)
    run = rundir.find(query)
    manifest = run.read()
    if manifest.voters:
        raise UserError(
            f"{shown(run.folder)} is a vote: make eval RUN={run.fleet} evaluates the members and their vote"
        )
    if checkpoint is not None and (manifest.pipeline or checkpoint == ALL):
        _refuse(given, f"{shown(run.folder)}: CHECKPOINT={'all' if checkpoint == ALL else checkpoint} takes no {{}}")
        return _evaluate_checkpoint(run, overrides, checkpoint)
    if manifest.pipeline:
        _refuse(given, f"{shown(run.folder)} has stages, each with an eval section of its own; {{}} takes none")
        from eval.evaluate_stages import evaluate_stages

        evaluate_stages(run, manifest, overrides)
        return 0
    return _evaluate_one(run, overrides, checkpoint, data, gate, allowed, model)


def _evaluate_checkpoint(run: "Run", overrides: Sequence[str], checkpoint: int) -> int:
    """Evaluate all checkpoints of a run, or one of a run's last stage."""
    from eval.evaluate_checkpoints import evaluate_checkpoints, find_checkpointed

    trained = find_checkpointed(run)
    if checkpoint == ALL:
        return evaluate_checkpoints(trained, overrides)
    return _evaluate_one(trained, overrides, checkpoint, None, None, 0.0, None)


def _refuse(given: "Mapping[str, str | None]", line: str) -> None:
    """Refuse the first variable that was given; `line` has {} where its name stands."""
    if name := next((name for name, value in given.items() if value), None):
        raise UserError(line.replace("{}", name))


def _evaluate_one(
    run: "Run",
    overrides: Sequence[str],
    checkpoint: int | None,
    data: str | None,
    gate: "Gate | None",
    allowed: float,
    model: str | None,
) -> int:
    """Evaluate a run of one training, and print what comes next."""
    from eval.asking.other_model import find_other
    from eval.evaluate import evaluate_run
    from eval.report.page import USAGE, terminal_table
    from recipebook.fleet.page import refresh_page
    from recipebook.progress import format_seconds
    from recipebook.project import PYTHON, shown
    from recipebook.run.stage_run import StageRun
    from recipebook.terminal import print_field

    started = time.monotonic()
    other = find_other(model) if model else None
    folder, summary = evaluate_run(run, overrides, checkpoint, tell=print, data=data, other=other)
    if run.fleet:
        refresh_page(run.fleet)
    print(terminal_table(summary))
    print(f"evaluated in {format_seconds(time.monotonic() - started)}; report: {shown(folder / 'report.html')}")
    if other:
        own = f"{run.name}@{folder.relative_to(run.folder / 'eval')}"
        print_field("next", f'make compare RUNS="{run.name} {own}" MARGIN=0.02')
    else:
        print_field("use", f"{PYTHON} {shown(folder / USAGE)}")
        name = run.top.name if isinstance(run, StageRun) else run.name
        print_field("", f"make chat RUN={name}; docs/use.md has more")
    if gate is None:
        return 0
    from eval.report.gate import judge_gate

    passed, line = judge_gate(summary, gate, allowed)
    print(line)
    return int(not passed)
