"""An evaluation's figures in; TensorBoard's events beside those of the training, in the run's `tensorboard/`, out.

    tensorboard/evaluation/events.out.tfevents.…   evaluation/exact/tuned 0.845, evaluation/exact/base 0.0, …

Each evaluation has a folder of its own, which TensorBoard shows as a line of its own; a new evaluation replaces it.
"""

import time
from importlib.util import find_spec

from eval.tracking.tracked_figures import TrackedFigures
from recipebook.run.tracked import Trackers

TENSORBOARD = "tensorboard"


def write_events(figures: TrackedFigures, trackers: Trackers) -> bool:
    """Write the figures; False where the training left no events."""
    if not (figures.training / TENSORBOARD).is_dir() or find_spec(TENSORBOARD) is None:
        return False
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary as Values
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = figures.training / TENSORBOARD / figures.above
    for old in folder.glob("events.*") if folder.is_dir() else ():
        old.unlink()
    values = [Values.Value(tag=tag, simple_value=value) for tag, value in figures.values.items()]
    writer = EventFileWriter(str(folder))
    writer.add_event(Event(wall_time=time.time(), step=figures.step, summary=Values(value=values)))
    writer.close()
    return True
