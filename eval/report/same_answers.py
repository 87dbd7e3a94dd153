"""An evaluation with the adapter merged, or apart, in; how many of its answers are those of the other way, out.

runs/x/eval/adapter-apart, runs/x/eval   →   "200 of 200 answers are those of runs/x/eval"
"""

from pathlib import Path

from eval.scoring.predictions import read_predictions
from recipebook.project import shown


def format_same_answers(folder: Path, adapter: str) -> str | None:
    """The line; None where the adapter's way was not named, or no evaluation of the same rows is beside this one."""
    beside = Path(*(part for part in folder.parts if part != f"adapter-{adapter}"))
    if beside == folder or not (beside / "predictions.jsonl").is_file():
        return None
    read = [read_predictions(each / "predictions.jsonl") for each in (folder, beside)]
    own, other = ({one.id: one.prediction for one in predictions} for predictions in read)
    shared = own.keys() & other.keys()
    same = sum(own[name] == other[name] for name in shared)
    return f"{same} of {len(shared)} answers are those of {shown(beside)}" if shared else None
