"""An evaluation's figures in; metrics of the training's run in MLflow, with its report as an artifact, out."""

import os
from contextlib import chdir

from eval.tracking.tracked_figures import TrackedFigures
from recipebook.run.tracked import Trackers

# By its own settings, the library tries a server that is gone for some minutes.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


def send_to_mlflow(figures: TrackedFigures, trackers: Trackers) -> bool:
    """Send them; False where the training did not use it."""
    known = trackers.mlflow
    if known is None:
        return False
    for variable, most in PATIENCE.items():
        os.environ.setdefault(variable, most)
    from mlflow import MlflowClient

    report = figures.report.resolve()
    # A relative address, such as file:mlruns, counts from where the training ran.
    with chdir(figures.training):
        client = MlflowClient(tracking_uri=known.uri)
        for name, value in figures.values.items():
            client.log_metric(known.id, name, value, step=figures.step)
        client.log_artifact(known.id, str(report), figures.above)
    return True
