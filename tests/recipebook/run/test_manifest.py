"""The manifest: what earlier versions wrote is still read."""

import json

from recipebook.run.manifest import Manifest, StageEntry

ENTRY = {"name": "sft", "kind": "train", "start": "base", "identity": "5d0c", "inputs": {}}


def test_the_seconds_by_phase_were_once_called_stages() -> None:
    entry = StageEntry.model_validate_json(json.dumps({**ENTRY, "stages": {"train": 2.5}}))
    assert entry.seconds == {"train": 2.5}
    written = json.loads(entry.model_dump_json())
    assert (written["seconds"], "stages" in written) == ({"train": 2.5}, False)
    assert StageEntry.model_validate(written) == entry


def test_a_manifest_of_an_earlier_version_is_read() -> None:
    earlier = {
        "run": "robot-lora-20261121-093000", "recipe": "robot-lora", "status": "trained", "identity": "5d0c",
        "created": "2026-11-21T09:30:00+00:00", "profile": "tiny", "overrides": [], "git": {}, "versions": {},
        "hashes": {}, "account": {}, "rows": {"train": 1600}, "command": [], "environment": {},
        "hardware": {"gpus": [], "cpu": "x86_64", "cores": 2, "memory_gib": 16.0},
        "stages": {"prepare": 0.5, "train": 30.25},
        "pipeline": [{**ENTRY, "stages": {"train": 30.25}}],
    }  # fmt: skip
    manifest = Manifest.model_validate_json(json.dumps(earlier))
    assert manifest.seconds == {"prepare": 0.5, "train": 30.25}
    assert manifest.get_stage("sft").seconds == {"train": 30.25}
