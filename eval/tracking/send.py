"""An evaluation in; its figures in every tracker that the training used, or a line that says why not, out.

    tracker   mlflow did not take the figures: ConnectionError: …

An evaluation is whole without its trackers, so none of them can make it fail.
"""

from collections.abc import Callable
from pathlib import Path

from eval.scoring.summary import Summary
from eval.tracking.mlflow_run import send_to_mlflow
from eval.tracking.tensorboard_events import write_events
from eval.tracking.tracked_figures import TrackedFigures, read_figures
from eval.tracking.trackio_run import send_to_trackio
from eval.tracking.wandb_run import send_to_wandb
from recipebook.errors import on_one_line
from recipebook.run.secret_values import hide_secrets
from recipebook.run.tracked import Trackers, read_trackers
from recipebook.suggestions import shorten
from recipebook.terminal import print_field

WAYS: dict[str, Callable[[TrackedFigures, Trackers], bool]] = {
    "tensorboard": write_events,
    "wandb": send_to_wandb,
    "mlflow": send_to_mlflow,
    "trackio": send_to_trackio,
}


def send_figures(training: Path, evaluations: Path, evaluation: Path, summary: Summary) -> list[str]:
    """Send the figures of the evaluation in a folder of `evaluations`, and print those that were not taken.

    `training` is the folder of the run or stage whose model it is of. Returns the trackers that have them.
    """
    trackers, figures = read_trackers(training), read_figures(training, evaluations, evaluation, summary)
    taken = []
    for name, send in WAYS.items():
        try:
            taken += [name] if send(figures, trackers) else []
        except Exception as error:  # Their libraries raise anything, from a lost connection to a login that is missing.
            reason = shorten(on_one_line(hide_secrets(f"{type(error).__name__}: {error}")))
            print_field("tracker", f"{name} did not take the figures: {reason}")
    return taken
