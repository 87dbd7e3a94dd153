"""A run with stages in; one recipe that trains all of them again, as YAML, out.

    {…, "stages": [{"name": "sft", "from": "base", "training": {"epochs": 4, …}},
                   {"name": "dpo", "from": "sft", "data": {…}, "training": {"method": "dpo", …}}]}

The recipe around the stages is that of the run's own `resolved.yaml`; a stage has what differs from it.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from recipebook.pipeline.opening import JOB
from recipebook.recipe.stages import KIND_KEYS
from recipebook.run.manifest import Manifest, StageEntry
from recipebook.run.resolved import read_resolved
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun

# Read as one whole, since their parts belong to each other.
WHOLE = ("data", "eval")
OF_KINDS = ("model", *WHOLE, "training")


def format_stages(run: Run, manifest: Manifest) -> str:
    """The recipe with each stage as it ran."""
    top = read_resolved(run.folder)
    stages = [_describe_stage(StageRun(run, entry.name), entry, top) for entry in manifest.pipeline]
    return yaml.safe_dump({**top, "stages": stages}, sort_keys=False, allow_unicode=True, width=120)


def _describe_stage(run: StageRun, entry: StageEntry, top: Mapping[str, Any]) -> dict[str, Any]:
    own = read_resolved(run.folder)
    start, _, merged = entry.start.partition(" ")
    described: dict[str, Any] = {"name": entry.name, "from": {"stage": start, "merged": True} if merged else start}
    job = run.folder / JOB
    if job.is_file():
        described[entry.kind] = json.loads(job.read_bytes())["options"]
        own["training"] = {key: own["training"][key] for key in KIND_KEYS}
        own = {section: own[section] for section in OF_KINDS}
    return {**described, **_list_differences(own, top)}


def _list_differences(own: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """What of `own` is not so in `top`; of mappings, their keys that differ."""
    return {
        key: _list_differences(value, top[key])
        if isinstance(value, dict) and isinstance(top.get(key), dict) and key not in WHOLE
        else value
        for key, value in own.items()
        if key not in top or value != top[key]
    }
