"""`make eval`: base and tuned model answer the held-out prompts; predictions, scores and report.html in `eval/`.

A fleet, a run of stages and a single run each go their own way: eval/evaluate_fleet.py, eval/evaluate_stages.py,
eval/evaluate.py.
"""

import argparse
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from commands._options import RUN, add_overrides, amount, count, run_name
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
    add_overrides(parser, "eval.KEY=VALUE", "a setting in place of the recipe's, such as eval.limit=50")


def _checkpoint(text: str) -> int:
    return ALL if text == "all" else count(text)


class EvaluationChoice(NamedTuple):
    """What is evaluated of a run, and how.

    `data` is a source in place of the held-out rows, `model` one in place of the run's own. `gate` is what the
    verdict must say for a status of 0, and `allowed` what not-worse may be worse by.
    """

    overrides: Sequence[str] = ()
    checkpoint: int | None = None
    data: str | None = None
    model: str | None = None
    gate: "Gate | None" = None
    allowed: float = 0.0


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
    choice = EvaluationChoice(
        overrides, given.checkpoint, given.data, given.model, given.gate, allowed=given.margin or 0.0
    )
    code = evaluate(given.run, choice)
    write_index()
    return code


def evaluate(query: str, choice: EvaluationChoice) -> int:
    """Evaluate a trained run, by its name or its recipe's, or one of its checkpoints, or a fleet; the exit status."""
    from recipebook.run.model_run import find_evaluated_run, list_candidates
    from recipebook.run.stage_run import StageRun

    if members := list_candidates(query):
        fleet = f"{query} is a fleet; {{}} takes one of its members: {members[0][0].name}"
        _refuse(fleet, DATA=choice.data, MODEL=choice.model, GATE=choice.gate, CHECKPOINT=choice.checkpoint is not None)
        from eval.evaluate_fleet import evaluate_fleet

        return evaluate_fleet(query, members, choice.overrides)
    run = find_evaluated_run(query)
    top = run.top if isinstance(run, StageRun) else run
    staged = bool(top.read().pipeline)
    if choice.checkpoint is not None and (staged or choice.checkpoint == ALL):
        return _evaluate_checkpoint(run, choice)
    return _evaluate_stages(run, top, choice) if staged else _evaluate_one(run, choice)


def _evaluate_checkpoint(run: "Run", choice: EvaluationChoice) -> int:
    """Evaluate all checkpoints of a run, or one of a run's last stage."""
    from eval.evaluate_checkpoints import evaluate_checkpoints, find_checkpointed
    from recipebook.project import shown
    from recipebook.run.stage_run import StageRun

    which = "all" if choice.checkpoint == ALL else choice.checkpoint
    alone = f"{shown(run.folder)}: CHECKPOINT={which} takes no {{}}"
    _refuse(alone, DATA=choice.data, MODEL=choice.model, GATE=choice.gate)
    trained = find_checkpointed(run.top if isinstance(run, StageRun) else run)
    if isinstance(run, StageRun) and run.folder != trained.folder:
        raise UserError(f"{shown(run.folder)} is not the last stage; CHECKPOINT takes those of {shown(trained.folder)}")
    if choice.checkpoint == ALL:
        return evaluate_checkpoints(trained, choice.overrides)
    return _evaluate_one(trained, choice)


def _evaluate_stages(run: "Run", top: "Run", choice: EvaluationChoice) -> int:
    """Evaluate all stages of the run `top`, or another model on rows of one; `run` is `top` or one of its stages."""
    from recipebook.project import shown
    from recipebook.run.stage_run import StageRun

    apart = f"{shown(top.folder)} has stages, each with an eval section of its own; {{}} takes none"
    _refuse(apart, DATA=choice.data, GATE=choice.gate)
    if choice.model:
        return _evaluate_other(top, choice.overrides, choice.model, run.name if isinstance(run, StageRun) else None)
    if top is not run:
        raise UserError(f"{shown(run.folder)} is evaluated beside the other stages: make eval RUN={top.name}")
    from eval.evaluate_stages import evaluate_stages

    evaluate_stages(top, top.read(), choice.overrides)
    return 0


def _refuse(line: str, **given: object) -> None:
    """Refuse the first variable that was given; `line` has {} where its name stands."""
    if name := next((name for name, value in given.items() if value), None):
        raise UserError(line.replace("{}", name))


def _evaluate_other(top: "Run", overrides: Sequence[str], model: str, stage: str | None) -> int:
    """Evaluate another model on rows of a run with stages, and print how it is compared."""
    from eval.asking.other_model import find_other
    from eval.evaluate_stages import evaluate_other
    from eval.report.page import terminal_table
    from recipebook.progress import format_seconds
    from recipebook.project import shown
    from recipebook.terminal import print_field

    started = time.monotonic()
    own, folder, summary = evaluate_other(top, overrides, find_other(model), stage)
    print(terminal_table(summary))
    print(f"evaluated in {format_seconds(time.monotonic() - started)}; report: {shown(folder / 'report.html')}")
    found = f"{top.name}@{folder.relative_to(top.folder / 'eval')}"
    print_field("next", f'make compare RUNS="{own} {found}" MARGIN=0.02')
    return 0


def _evaluate_one(run: "Run", choice: EvaluationChoice) -> int:
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
    other = find_other(choice.model) if choice.model else None
    folder, summary = evaluate_run(run, choice.overrides, choice.checkpoint, tell=print, data=choice.data, other=other)
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
    if choice.gate is None:
        return 0
    from eval.report.gate import judge_gate

    passed, line = judge_gate(summary, choice.gate, choice.allowed)
    print(line)
    return int(not passed)
