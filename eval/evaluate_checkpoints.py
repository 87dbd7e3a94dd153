"""`make eval RUN=robot-lora CHECKPOINT=all`: every checkpoint of a run in one table, and the best of them on test rows.

     1    checkpoint 96   0.614 [0.480, 0.733]
     2 =  checkpoint 108  0.591 [0.457, 0.712]  -0.023  1.000
    chosen    checkpoint 96, the best of 10 on validation rows
    test      success: 0.640 [0.571, 0.703], base 0.000; report: runs/…/eval/checkpoint-96/report.html

They are evaluated on validation rows, so that the choice of one of them leaves the test rows alone. Of a run with
stages they are those of its last training, also if that failed: a policy that collapsed was better once.
"""

import time
from collections.abc import Sequence

from eval.comparing.evaluations import read_evaluation
from eval.comparing.leaderboard import Leaderboard, rank_group, terminal_table
from eval.evaluate import evaluate_run
from eval.opening import PART, prefer_validation, read_recipe
from eval.report.pages import format_estimate
from eval.scoring.summary import Summary, get_worth
from recipebook.errors import UserError
from recipebook.libraries import prepare_libraries
from recipebook.progress import ProgressLine, format_seconds
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from recipebook.terminal import print_field


def find_checkpointed(run: Run) -> Run:
    """The run itself, or the last of its stages that has checkpoints."""
    stages = [StageRun(run, entry.name) for entry in run.read().pipeline if entry.kind == "train"]
    return next((stage for stage in reversed(stages) if stage.checkpoints()), run)


def evaluate_checkpoints(run: Run, overrides: Sequence[str]) -> int:
    """Evaluate all checkpoints of a run or stage, print them in one table, and the best on test rows."""
    steps = [int(path.name.partition("-")[2]) for path in run.checkpoints()]
    if not steps:
        raise UserError(f"{shown(run.folder)} has no checkpoints; training.keep_checkpoints keeps several")
    given, chosen_on = prefer_validation(run, overrides)
    print_field("run", f"{run.read().run}, {len(steps)} checkpoints")
    print_field("note", chosen_on or f"the checkpoints are evaluated with {' '.join(given)}")
    started = time.monotonic()
    summaries = _evaluate(run, given, steps)
    worth = [get_worth(summary) for summary in summaries.values()]
    best = steps[worth.index(max(worth))]
    print_field("chosen", f"checkpoint {best}, the best of {len(steps)} on {summaries[best].part}")
    if given != list(overrides):
        folder, summary = evaluate_run(run, [*overrides, f"{PART}test"], best)
        base = "" if summary.headline.base is None else f", base {format_estimate(summary.headline.base)}"
        figure = f"{summary.headline.figure}: {format_estimate(summary.headline.tuned)}{base}"
        print_field("test", f"{figure}; report: {shown(folder / 'report.html')}")
    print(f"evaluated in {format_seconds(time.monotonic() - started)}")
    return 0


def _evaluate(run: Run, overrides: Sequence[str], steps: Sequence[int]) -> dict[int, Summary]:
    """Evaluate one checkpoint after another on one loaded base, and print their ranks."""
    prepare_libraries(find_base(read_recipe(run, overrides)))
    # Only here: a wrong setting should not wait for torch.
    from eval.asking.kept_base import KeptBase

    top = run.top if isinstance(run, StageRun) else run
    line, kept, summaries, found = ProgressLine("checkpoints"), KeptBase(), dict[int, Summary](), []
    for at, step in enumerate(steps):
        line.draw(at, len(steps), f"  {step}")
        folder, summaries[step] = evaluate_run(run, overrides, step, kept)
        where = folder.relative_to(top.folder / "eval").as_posix()
        found.append(read_evaluation(top, where)._replace(run=f"checkpoint {step}", where=""))
    line.clear()
    if len(found) > 1:
        print(terminal_table(Leaderboard((rank_group(found),), ())))
    return summaries
