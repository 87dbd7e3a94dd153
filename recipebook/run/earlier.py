"""A manifest of the first form in; the same manifest with identities as they are computed today out.

Form 1: an identity is the hash of every key of a recipe, and of its code word for word. Form 2: keys at their default
and the words of code leave no trace. Form 3: the number of processes and what they share leave none, and the records of
a step stand in place of each process's. The manifest and the run's folder contain enough to compute the third.
"""

from collections.abc import Sequence
from pathlib import Path

from recipebook.files import digest
from recipebook.run import provenance
from recipebook.run.manifest import FORM, Manifest, StageEntry
from recipebook.run.resolved import RESOLVED, read_resolved
from recipebook.run.speed import leave_speed_out

TRAIN = "train"


def translate_manifest(manifest: Manifest, folder: Path) -> Manifest:
    """Bring a manifest of an earlier form to today's; one without anything to compute from keeps its identity."""
    if manifest.pipeline:
        pipeline = _translate_stages(manifest.pipeline)
        identity = digest(*(part for entry in pipeline for part in (entry.name, entry.identity)))
        return manifest.model_copy(update={"form": FORM, "identity": identity, "pipeline": pipeline})
    if not manifest.hashes or not (folder / RESOLVED).is_file():
        return manifest
    inputs = read_inputs(manifest, folder)
    return manifest.model_copy(update={"form": FORM, "identity": provenance.digest_inputs(inputs)})


def read_inputs(manifest: Manifest, folder: Path) -> dict[str, str]:
    """The inputs of a run from its folder, as `identities.list_inputs` gave them when it was trained."""
    return provenance.join_inputs(read_resolved(folder), manifest.hashes, manifest.versions)


def _translate_stages(entries: Sequence[StageEntry]) -> tuple[StageEntry, ...]:
    """Each stage with the identities of the stages that it builds on."""
    identities: dict[str, str] = {}
    translated: list[StageEntry] = []
    for entry in entries:
        inputs = {key: _translate_input(key, value, identities) for key, value in entry.inputs.items()}
        if entry.kind == TRAIN:
            inputs = leave_speed_out(inputs, provenance.list_defaults()[0])
        inputs = provenance.drop_defaults(inputs)
        identities[entry.identity] = provenance.digest_inputs(inputs)
        translated.append(entry.model_copy(update={"inputs": inputs, "identity": identities[entry.identity]}))
    return tuple(translated)


def _translate_input(key: str, value: str, identities: dict[str, str]) -> str:
    start, space, identity = value.rpartition(" ")
    if key == "start":
        return f"{start}{space}{identities.get(identity, identity)}"
    return identities.get(value, value) if key.startswith("stage ") else value
