"""A manifest holds what a stage's entry holds too, whatever order its keys were written in."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from recipebook.run.manifest import Manifest, StageEntry, format_now


def test_now_is_a_second_with_its_distance_to_utc() -> None:
    now = datetime.fromisoformat(format_now())
    assert now.tzinfo and now.microsecond == 0
    assert timedelta(0) <= datetime.now().astimezone() - now < timedelta(seconds=60)


def test_a_run_and_a_stage_share_what_is_done_in_either(manifest: dict[str, Any]) -> None:
    run = Manifest.model_validate({**manifest, "status": "trained", "rows": {"train": 8}, "final_loss": 0.5})
    stage = StageEntry(name="sft", kind="train", start="base", identity="of the stage", inputs={})
    assert stage.model_copy(update=run.get_work()) == StageEntry(
        name="sft", kind="train", start="base", inputs={}, identity="i", created="c", status="trained",
        rows={"train": 8}, final_loss=0.5,
    )  # fmt: skip


def test_a_file_of_an_earlier_version_is_read_and_keeps_every_value(manifest: dict[str, Any]) -> None:
    stage = {
        "name": "sft", "kind": "train", "start": "base", "status": "trained", "reason": None, "identity": "s",
        "inputs": {"lora.r": "8"}, "taken_from": None, "created": "c", "hashes": {"rows": "r"}, "account": {},
        "rows": {"train": 8}, "command": ["python"], "environment": {}, "attempts": [{"started": "s", "seconds": 2.0}],
        "final_loss": 0.5, "diagnosis": "good: it learnt", "weights": {"finite": True},
    }  # fmt: skip
    written = {
        **manifest, "reason": None, "attempts": [], "final_loss": None, "diagnosis": None, "weights": None,
        "remote": None, "pipeline": [stage], "voters": ["a/b"],
    }  # fmt: skip
    read = json.loads(Manifest.model_validate_json(json.dumps(written)).model_dump_json(exclude_unset=True))
    assert read == written


@pytest.fixture
def manifest() -> dict[str, Any]:
    """A manifest as it was written before its fields were grouped."""
    return {
        "form": 2, "run": "x-1", "recipe": "x", "member": None, "status": "prepared", "identity": "i", "created": "c",
        "profile": None, "overrides": [], "git": {}, "versions": {}, "hashes": {}, "account": {}, "rows": {},
        "hardware": {"gpus": [], "cpu": "c", "cores": 2, "memory_gib": 8.0}, "command": [], "environment": {},
    }  # fmt: skip
