"""A run's manifest: everything that explains or repeats a result, as `manifest.json` has it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import AliasChoices, Field

from recipebook.frozen import Frozen
from recipebook.hardware import Hardware

Status = Literal["waiting", "prepared", "training", "interrupted", "failed", "trained", "done"]
FINISHED = ("trained", "done")
FORM = 3


class Attempt(Frozen):
    """One launch of the trainer; a run that was resumed has several."""

    started: str
    seconds: float | None = None
    from_step: int = 0
    exit_code: int | None = None
    outcome: str = "training"
    launch: dict[str, Any] = Field(default_factory=dict)
    """The processes of this attempt and what they shared; another attempt may have had others."""


class Ancestor(Frozen):
    """An adapter that a training went on from, and the run that left it, where it is one of this project."""

    digest: str
    folder: str
    run: str | None = None
    identity: str | None = None


class Work(Frozen):
    """The fields that a run and a stage share: both are prepared, attempted, and in the end trained or done."""

    identity: str
    status: Status = "waiting"
    reason: str | None = None
    created: str = ""
    hashes: dict[str, Any] = Field(default_factory=dict)
    account: dict[str, Any] = Field(default_factory=dict)
    rows: dict[str, int] = Field(default_factory=dict)
    command: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    launch: dict[str, Any] = Field(default_factory=dict)
    """The processes of the last attempt, and what they share; no part of the identity."""
    seconds: dict[str, float] = Field(default_factory=dict, validation_alias=AliasChoices("seconds", "stages"))
    """Spent by phase, such as `train`; earlier versions wrote them as `stages`."""
    attempts: tuple[Attempt, ...] = ()
    final_loss: float | None = None
    diagnosis: str | None = None
    weights: dict[str, Any] | None = None
    memory_gib: float | None = None
    """The most main memory that the trainer's process held at a time; None where no trainer of ours reported it."""
    lineage: tuple[Ancestor, ...] = ()
    """The adapters before this one, the one that `model.adapter` names first; none where it began with a new one."""

    def get_work(self) -> dict[str, Any]:
        """The fields of `Work`, to be laid over another's."""
        return {field: getattr(self, field) for field in Work.model_fields}


class StageEntry(Work):
    """One stage of a run that has several; its identity is the hash of `inputs`."""

    name: str
    kind: str
    start: str
    inputs: dict[str, str]
    taken_from: str | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.status in FINISHED


class Manifest(Work):
    """`manifest.json`; `status` becomes `trained` last of all, and only after the weights were checked."""

    form: int = FORM
    """How identities are computed; a file without it is of form 1 (recipebook/run/earlier.py)."""
    run: str
    recipe: str
    source: str | None = None
    """The recipe's file, from the project's folder; earlier versions recorded its name alone."""
    member: str | None = None
    profile: str | None
    base: str | None = None
    """The recipe's `model.base`; earlier versions wrote it into resolved.yaml alone."""
    base_origin: str | None = None
    """Where its weights came from, for a base that was made here: from the hub or from a package."""
    overrides: tuple[str, ...]
    git: dict[str, Any]
    versions: dict[str, str]
    hardware: Hardware
    remote: dict[str, Any] | None = None
    """The record of a service's training; then `hardware` and `versions` are those of the machine that ordered it."""
    pipeline: tuple[StageEntry, ...] = ()
    placebo_of: str | None = None
    """The identity of the run whose placebo this is: the same training on shuffled answers."""
    voters: tuple[str, ...] = ()
    """The runs whose vote this is; it has no weights of its own."""

    def get_stage(self, name: str) -> StageEntry:
        """The entry of one stage."""
        return next(entry for entry in self.pipeline if entry.name == name)


def format_now() -> str:
    """The current time as a manifest has it, with its offset from UTC: `2026-11-21T09:30:00+01:00`."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
