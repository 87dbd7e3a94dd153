"""One stage of a run as a run of its own: a folder laid out like one, its manifest an entry of the run's manifest.

runs/dial-dpo-20261121-093000/
  manifest.json            …, "pipeline": [{"name": "sft", "kind": "train", "start": "base", "status": "trained", …}, …]
  stages/sft/              axolotl.yaml, data/, model/, train.log, metrics.jsonl, resolved.yaml
  stages/dpo/start         the model that the adapter sits on, where that is not the recipe's base

A stage that is finished is never written again, so a run of the same recipe may hold it by hard links.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebook.run.manifest import FINISHED, Manifest, StageEntry
from recipebook.run.rundir import Run

START = "start"
FINAL_LINKS = ("model", "data", "train.log", "metrics.jsonl", "axolotl.yaml", "deepspeed.json", "tensorboard")
UNDER_WAY = ("training", "interrupted", "failed")
LATEST = (
    "hashes", "account", "rows", "command", "environment", "final_loss", "diagnosis", "weights", "memory_gib",
    "lineage",
)  # fmt: skip


class StageRun(Run):
    """A folder under `<run>/stages/`; reads and writes its entry where a run has its manifest."""

    def __init__(self, top: Run, stage: str) -> None:
        super().__init__(top.folder / "stages" / stage)
        self.top = top

    @property
    def start(self) -> Path | None:
        """The model that the stage's adapter sits on; None where it is the recipe's base."""
        path = self.folder / START
        return path if path.is_dir() else None

    def read(self) -> Manifest:
        """The run's manifest, as if this stage were all of it."""
        manifest = self.top.read()
        entry = manifest.get_stage(self.name)
        return manifest.model_copy(update={**entry.get_work(), "run": f"{manifest.run}/{self.name}", "pipeline": ()})

    def write(self, manifest: Manifest) -> Manifest:
        """Write the fields that a stage shares with a run into its entry; the run shows the stage that ended last."""
        self.update(manifest.get_work())
        return manifest

    def update(self, fields: Mapping[str, Any]) -> StageEntry:
        """Replace fields of the entry, and the run's summary of its stages."""
        top = self.top.read()
        changed = top.get_stage(self.name).model_copy(update=dict(fields))
        pipeline = tuple(changed if entry.name == self.name else entry for entry in top.pipeline)
        attempts = tuple(attempt for entry in pipeline for attempt in entry.attempts)
        summary: dict[str, Any] = {}
        if changed.status == "trained":
            summary = {field: getattr(changed, field) for field in LATEST}
        elif changed.status in UNDER_WAY:
            reason = f"{self.name}: {changed.reason}" if changed.reason else None
            summary = {"status": changed.status, "reason": reason}
        self.top.write(top.model_copy(update={"pipeline": pipeline, "attempts": attempts, **summary}))
        return changed

    def take_over(self, other: "StageRun") -> None:
        """Take over the files of the same stage of another run as hard links, all or none."""
        entry = other.top.read().get_stage(other.name)
        building = self.folder.with_name(f".{self.name}")
        for left in (building, self.folder):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(other.folder, building, symlinks=True, copy_function=os.link)
        building.rename(self.folder)
        self.update({**entry.model_dump(include=_KEPT), "taken_from": entry.taken_from or other.top.name})


_KEPT = {"status", "created", "seconds", *LATEST}


def list_trained(top: Run, manifest: Manifest) -> list[StageRun]:
    """The finished stages that trained a model, in their order."""
    return [StageRun(top, entry.name) for entry in manifest.pipeline if entry.status == "trained"]


def link_final(top: Run, stage: StageRun) -> None:
    """Let the run's folder show the files of its last training, under the names that every run has."""
    for name in FINAL_LINKS:
        link = top.folder / name
        link.unlink(missing_ok=True)
        if (stage.folder / name).exists():
            link.symlink_to(os.path.relpath(stage.folder / name, top.folder))


def settle(top: Run, waiting: str | None) -> Manifest:
    """Write the run's status, which follows from its stages; `waiting` is the reason while some are left."""
    manifest = top.read()
    done = all(entry.status in FINISHED for entry in manifest.pipeline)
    status = "trained" if done else "interrupted"
    return top.write(manifest.model_copy(update={"status": status, "reason": waiting if not done else None}))
