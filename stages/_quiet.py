"""What a stage does before it imports torch: say nothing that is not its own, and ask no hub for what is on disk."""

import os
from pathlib import Path

from eval.hush import hush
from recipebook.stage_job import Job


def prepare(job: Job) -> None:
    """Hush the libraries; with a base in a folder, keep them off the network."""
    if isinstance(job.model, Path):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    hush()
