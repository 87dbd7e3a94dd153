"""The settings of a training in; the same without those that only decide how fast it is out.

    {"training.batch_size": "4", "training.gradient_accumulation": "2", "launch.processes": "2"}
    → {"training.global_batch": "16"}

A run may therefore resume on another number of GPUs. How the records of a step are divided stays where it changes what
is learned.
"""

import json
from collections.abc import Mapping
from typing import Any

from recipebook.recipe.batches import divide

LAUNCH = {"launch.processes", "launch.machines", "launch.strategy", "launch.offload", "launch.timeout"}
BATCH, TIMES, RECORDS = "training.batch_size", "training.gradient_accumulation", "training.global_batch"


def leave_speed_out(settings: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The settings that decide what is learned; those that are missing stand at their default.

    A service divides its batches itself, so the settings of a training there stay as they are.
    """
    if any(key.startswith("remote.") for key in settings):
        return dict(settings)

    def read(key: str) -> Any:
        return json.loads(settings.get(key, defaults[key]))

    ranks = read("launch.processes") * read("launch.machines")
    batch = divide(read(RECORDS), read(BATCH), read(TIMES), ranks)
    kept = {key: value for key, value in settings.items() if key not in {*LAUNCH, BATCH, TIMES}}
    kept[RECORDS] = json.dumps(batch.records)
    if read("training.packing") is True or any(key.startswith("training.span_weights.") for key in settings):
        # Rows are packed into what a process takes at a time; weighted losses are divided by the tokens in it.
        kept[BATCH] = json.dumps(batch.rows)
    if read("training.method") == "kto":
        # It compares the answers that all processes take at a time.
        kept[BATCH] = json.dumps(batch.rows * ranks)
    return kept
