"""An evaluation's figures in; the same in the summary of the training's run at Weights & Biases, with its report, out.

A training in offline mode has its run in `wandb/` of the run's folder. The figures go into a folder beside it under the
same id, and `wandb sync` sends both.
"""

import os

from eval.tracking.tracked_figures import TrackedFigures
from recipebook.run.tracked import Trackers

# Seconds in which a server must answer; the library waits for a minute and a half.
PATIENCE = 30.0


def send_to_wandb(figures: TrackedFigures, trackers: Trackers) -> bool:
    """Send them; False where the training did not use it."""
    known = trackers.wandb
    if known is None:
        return False
    # It would advertise another of its products on stderr.
    os.environ.setdefault("WANDB_DISABLE_WEAVE", "true")
    import wandb

    run = wandb.init(
        project=known.project,
        entity=known.entity,
        id=known.id,
        resume="allow",
        dir=figures.training,
        mode="offline" if known.offline else "online",
        settings=wandb.Settings(silent=True, console="off", init_timeout=PATIENCE),
    )
    try:
        run.summary.update(dict(figures.values))
        page = wandb.Html(figures.report.read_text(encoding="utf-8"), inject=False)
        run.log({f"{figures.above}/report": page})
    finally:
        run.finish()
        # Its process has written everything when it has ended, and is left to no other run.
        wandb.teardown()
    return True
