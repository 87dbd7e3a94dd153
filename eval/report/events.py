"""An evaluation's figures in; TensorBoard's events beside those of the training, in the run's `tensorboard/`, out.

    tensorboard/evaluation/events.out.tfevents.…   evaluation/exact/tuned 0.845, evaluation/exact/base 0.0, …

Each evaluation has a folder of its own, which TensorBoard shows as a line of its own; a new evaluation replaces it.
"""

import time
from importlib.util import find_spec
from pathlib import Path

from eval.scoring.summary import Summary
from recipebook.run.progress_file import read_progress

TENSORBOARD = "tensorboard"


def write_events(run: Path, evaluation: Path, summary: Summary) -> Path | None:
    """Write the figures of the evaluation in the folder `evaluation`; None where the training left no events."""
    if not (run / TENSORBOARD).is_dir() or find_spec(TENSORBOARD) is None:
        return None
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary as Values
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = run / TENSORBOARD / Path("evaluation", evaluation.relative_to(run / "eval"))
    for old in folder.glob("events.*") if folder.is_dir() else ():
        old.unlink()
    named = {
        f"evaluation/{result.figure}/{name}": one.mean
        for result in summary.results
        for name, one in (("tuned", result.tuned), ("base", result.base), ("difference", result.difference))
        if one is not None and one.mean is not None
    }
    values = [Values.Value(tag=tag, simple_value=value) for tag, value in named.items()]
    writer = EventFileWriter(str(folder))
    step = int(read_progress(run).get("step", 0))
    writer.add_event(Event(wall_time=time.time(), step=step, summary=Values(value=values)))
    writer.close()
    return folder
