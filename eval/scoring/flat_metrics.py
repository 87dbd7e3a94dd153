"""A summary in; the tuned model's figures as one flat object, in a file of the name that earlier scripts read, out.

    test_metrics.json (of the test rows), val_metrics.json (of the validation rows), beside summary.json:
    {"param_f1": 0.7771, "device_precision": 0.8123, …, "avg_pred_length": 18.23, "length_ratio": 1.25}

The script that trained one smart-home adapter for all personas left these files; its mean lengths had the names of
EARLIER_NAMES. All other figures have the names that summary.json has, in its order. A figure that is undefined is null,
never 0 as it was there.
"""

import json
import math
from pathlib import Path

from eval.scoring.summary import Summary
from recipebook.files import write_text

FILES = {"test": "test_metrics.json", "validation": "val_metrics.json"}
EARLIER_NAMES = {"pred_length": "avg_pred_length", "ref_length": "avg_ref_length"}


def write_flat_metrics(folder: Path, summary: Summary) -> None:
    """Write the file of the part that was evaluated; none for rows of the user's own, or if the part is not known."""
    if summary.asked is None or summary.asked.own or summary.asked.part not in FILES:
        return
    figures = {EARLIER_NAMES.get(one.figure, one.figure): _drop_infinite(one.tuned.mean) for one in summary.results}
    write_text(folder / FILES[summary.asked.part], json.dumps(figures, indent=1) + "\n")


def _drop_infinite(mean: float | None) -> float | None:
    """None for what JSON has no number for, as in summary.json."""
    return mean if mean is not None and math.isfinite(mean) else None
