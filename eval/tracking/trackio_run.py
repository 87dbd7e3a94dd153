"""An evaluation's figures in; metrics of the training's run in trackio, with its report among the files, out."""

import io
from contextlib import chdir, redirect_stdout
from pathlib import Path

from eval.tracking.tracked_figures import TrackedFigures
from recipebook.run.tracked import Trackers


def send_to_trackio(figures: TrackedFigures, trackers: Trackers) -> bool:
    """Send them; False where the training did not use it."""
    known = trackers.trackio
    if known is None:
        return False
    import trackio

    report = figures.report.resolve()
    runs = report.parents[len(Path(figures.place).parts) + 2]
    # It prints how its pages are looked at, each time; and keeps a file under its path from the working directory.
    with redirect_stdout(io.StringIO()), chdir(runs):
        trackio.init(
            project=known.project,
            name=known.name,
            space_id=known.space,
            resume="allow",
            embed=False,
            auto_log_gpu=False,
        )
        trackio.log(dict(figures.values), step=figures.step)
        trackio.save(report)
        trackio.finish()
    return True
