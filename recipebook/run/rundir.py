"""A run's folder: where its manifest and its files are, and how a run is found.

runs/robot-lora-20261120-141503/
  recipe.yaml as written, resolved.yaml as run, manifest.json, data/, axolotl.yaml, deepspeed.json,
  train.log, metrics.jsonl, model/, eval/
runs/traits/joy_plus-20261121-093000/
  the same, of a member of the fleet `traits`
runs/robot-ensemble/vote/
  recipe.yaml, manifest.json and eval/, of the majority vote of a fleet's members
"""

import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.files import write_text
from recipebook.locks import holding, lock_file, lock_folder, read_owner, write_owner
from recipebook.project import RUNS, require_runs, shown
from recipebook.run.checkpoints import find_fault
from recipebook.run.earlier import translate_manifest
from recipebook.run.manifest import FORM, Manifest

REMOTE = "remote.json"
MEMBERS = "members.json"
VOTE = "vote"
RATES = "-rates"
"""The end of the name of a fleet whose members try learning rates for a few steps (recipebook/fleet/rates.py)."""


_NOTED: TypeAdapter[dict[str, str | None]] = TypeAdapter(dict[str, str | None])


class Run:
    """A folder under `runs/`; holds no state but its path and name."""

    def __init__(self, folder: Path, fleet: str | None = None) -> None:
        self.folder = folder
        self.fleet = fleet

    @property
    def name(self) -> str:
        """The folder's name: recipe, day and time; a member's is `fleet/member`, day and time."""
        return f"{self.fleet}/{self.folder.name}" if self.fleet else self.folder.name

    @property
    def runs(self) -> Path:
        """The folder of all runs and fleets."""
        return self.folder.parent.parent if self.fleet else self.folder.parent

    @property
    def start(self) -> Path | None:
        """The model that the run's adapter sits on, in place of the recipe's base; only a stage may have one."""
        return None

    def read(self) -> Manifest:
        """The manifest, or a UserError where this is no run."""
        path = self.folder / "manifest.json"
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
            today = "form" in manifest.model_fields_set and manifest.form == FORM
            return manifest if today else translate_manifest(manifest, self.folder)
        except FileNotFoundError:
            raise UserError(f"{shown(self.folder)} holds no manifest.json") from None
        except OSError as error:
            raise UserError(f"{shown(path)}: cannot be read: {error.strerror}") from None
        except ValidationError as error:
            raise UserError(f"{shown(path)}: {format_first_error(error)}") from None

    def write(self, manifest: Manifest) -> Manifest:
        """Replace the manifest, all or nothing."""
        write_text(self.folder / "manifest.json", manifest.model_dump_json(indent=2) + "\n")
        return manifest

    @property
    def lock_path(self) -> Path:
        """The file whose lock holds the run."""
        return self.folder / "run.lock"

    def try_lock(self) -> int | None:
        """As `lock`; None while another process holds the run."""
        try:
            lock = lock_file(self.lock_path, wait=False)
        except BlockingIOError:
            return None
        write_owner(lock, os.getpid())
        return lock

    def lock(self) -> int:
        """A descriptor that holds the run; the trainer inherits it, so that the run stays held while either lives."""
        lock = self.try_lock()
        if lock is None:
            raise UserError(f"{shown(self.folder)} is being trained by process {read_owner(self.lock_path)}")
        return lock

    def is_held(self) -> bool:
        """Whether a runner or its trainer lives."""
        lock = self.try_lock()
        if lock is None:
            return True
        os.close(lock)
        return False

    def checkpoints(self) -> list[Path]:
        """Whole checkpoints, oldest first."""
        return [path for path in self._list_checkpoints() if find_fault(path) is None]

    def drop_broken_checkpoints(self) -> list[str]:
        """Remove checkpoints that are not whole; returns a line for each, with what is missing."""
        broken = {path: fault for path in self._list_checkpoints() if (fault := find_fault(path))}
        for path in broken:
            shutil.rmtree(path)
        return [f"{path.name}: {fault}" for path, fault in broken.items()]

    def _list_checkpoints(self) -> list[Path]:
        numbered = [path for path in self.folder.glob("model/checkpoint-*") if path.name.partition("-")[2].isdigit()]
        return sorted(numbered, key=lambda path: int(path.name.partition("-")[2]))


def create(recipe: str, now: datetime, runs: Path = RUNS, fleet: str | None = None, name: str | None = None) -> Run:
    """A new folder, of the given name, else named by recipe and time; a member's, in the fleet's folder, by member and
    time."""
    require_runs(runs)
    if name:
        try:
            (runs / name).mkdir(parents=True)
        except FileExistsError:
            raise UserError(f"{shown(runs / name)} exists already; choose another name") from None
        return Run(runs / name)
    runs = runs / fleet if fleet else runs
    stem = f"{recipe.replace('/', '-')}-{now:%Y%m%d-%H%M%S}"
    for suffix in ("", *(f"-{count}" for count in range(2, 100))):
        try:
            (runs / f"{stem}{suffix}").mkdir(parents=True)
        except FileExistsError:
            continue
        return Run(runs / f"{stem}{suffix}", fleet)
    raise UserError(f"{shown(runs / stem)} and 98 more of that name exist")


@contextmanager
def removing_unless_opened(run: Run) -> Iterator[None]:
    """Remove the folder of a run that could not be opened, on a full disk for example; one with a manifest stays."""
    try:
        yield
    except BaseException:
        if not (run.folder / "manifest.json").exists():
            shutil.rmtree(run.folder, ignore_errors=True)
        raise


def list_runs(runs: Path = RUNS) -> Iterator[Run]:
    """All runs, members of fleets among them, newest first."""
    require_runs(runs)
    folders = [path.parent for pattern in ("*", "*/*") for path in runs.glob(f"{pattern}/manifest.json")]
    yield from (_open(folder, runs) for folder in sorted(folders, key=_get_birth, reverse=True))


def list_members(fleet: str, member: str, runs: Path = RUNS) -> list[tuple[Run, Manifest]]:
    """The runs of one member of a fleet, newest first."""
    found = [Run(path.parent, fleet) for path in (runs / fleet).glob(f"{glob.escape(member)}-*/manifest.json")]
    readable = [(run, manifest) for run in found if (manifest := _read_or_none(run)) and manifest.member == member]
    return sorted(readable, key=lambda pair: (pair[1].created, pair[0].name), reverse=True)


def list_fleet(fleet: str, runs: Path = RUNS) -> list[tuple[Run, Manifest]]:
    """The trained run of each member, by name: the one last noted, else the newest; none without such a fleet.

    Members that were trained earlier but have since left the matrix (see `name_members`) are ignored.
    """
    if (runs / fleet / "manifest.json").is_file():
        return []
    found: dict[str, tuple[Run, Manifest]] = {}
    noted = _read_noted(fleet, runs)
    for path in (runs / fleet).glob("*/manifest.json"):
        manifest = _read_or_none(run := _open(path.parent, runs))
        if not manifest or not manifest.member or manifest.status != "trained":
            continue
        known = found.get(manifest.member)
        if (not noted or manifest.member in noted) and (known is None or known[1].created < manifest.created):
            found[manifest.member] = (run, manifest)
    for member, name in noted.items():
        manifest = _read_or_none(run := _open(runs / name, runs)) if name else None
        if manifest and manifest.status == "trained":
            found[member] = (run, manifest.model_copy(update={"member": member}))
    return [found[name] for name in sorted(found)]


def list_untrained(fleet: str, trained: Iterable[tuple[Run, Manifest]], runs: Path = RUNS) -> list[str]:
    """The members last noted that are none of those that `list_fleet` found: their trainings failed, or wait."""
    found = {manifest.member for _, manifest in trained}
    return sorted(member for member in _read_noted(fleet, runs) if member not in found)


def name_members(fleet: str, names: Iterable[str], *, whole: bool, runs: Path = RUNS) -> None:
    """Record the members of a fleet: if `whole`, these alone, else these and those recorded earlier."""
    with _holding_noted(fleet, runs) as noted:
        _write_noted(fleet, {**({} if whole else noted), **{name: noted.get(name) for name in names}}, runs)


def note_members(fleet: str, names: Mapping[str, str], runs: Path = RUNS) -> None:
    """Record the run that each member has now; it may be an older run, or one of another recipe."""
    with _holding_noted(fleet, runs) as noted:
        _write_noted(fleet, {**noted, **names}, runs)


def list_readable(runs: Path = RUNS) -> Iterator[tuple[Run, Manifest]]:
    """The runs whose manifest can be read, newest first; `make runs` shows the others with the reason."""
    for run in list_runs(runs):
        if manifest := _read_or_none(run):
            yield run, manifest


def find(query: str, runs: Path = RUNS) -> Run:
    """A run by its full name, or the newest trained one of a recipe, or of a member: `traits/joy_plus`."""
    if (runs / query / "manifest.json").is_file():
        return _open(runs / query, runs)
    fleet, _, member = query.rpartition("/")
    for run, manifest in list_fleet(fleet, runs) if fleet else ():
        if manifest.member == member:
            return run
    manifests = list(list_readable(runs))
    of_recipe = [
        (run, manifest) for run, manifest in manifests if manifest.recipe == query and not tries_a_rate(run, manifest)
    ]
    for run, manifest in of_recipe:
        if manifest.status == "trained":
            return run
    if of_recipe:
        run, manifest = of_recipe[0]
        fault = on_one_line(manifest.reason or "") if manifest.status == "failed" else ""
        # What made it fail would make it fail again.
        hint = f" ({fault}): once that is mended," if fault else ":"
        raise UserError(f"{shown(run.folder)} is {manifest.status}{hint} make train RECIPE={query} resumes it")
    known = ", ".join(sorted({manifest.recipe for _, manifest in manifests})) or "none yet"
    raise UserError(f"no run '{query}' in runs/; it has runs of: {known}")


def tries_a_rate(run: Run, manifest: Manifest) -> bool:
    """Whether the run belongs to `make find-lr`: its model was trained to choose a learning rate, not to be used."""
    return run.fleet == manifest.recipe.replace("/", "-") + RATES


def find_same(identity: str, name: str | None = None) -> Run | None:
    """The run of this identity: the one of the given name, else a trained one if there is, else the newest."""
    if name:
        return _require_same(Run(RUNS / name), identity) if (RUNS / name / "manifest.json").is_file() else None
    same = [(run, manifest) for run, manifest in list_readable() if manifest.identity == identity]
    trained = [run for run, manifest in same if manifest.status == "trained"]
    return next(iter([*trained, *(run for run, _ in same)]), None)


def _require_same(run: Run, identity: str) -> Run:
    if run.read().identity != identity:
        raise UserError(f"{shown(run.folder)} is a run of another recipe, data or versions; choose another name")
    return run


def _open(folder: Path, runs: Path) -> Run:
    return Run(folder, None if folder.parent == runs else folder.parent.relative_to(runs).as_posix())


@contextmanager
def _holding_noted(fleet: str, runs: Path) -> Iterator[Mapping[str, str | None]]:
    """What is recorded, while nobody else changes it: the tasks of an array begin at the same time."""
    (runs / fleet).mkdir(parents=True, exist_ok=True)
    with holding(lock_folder(runs / fleet)):
        yield _read_noted(fleet, runs)


def _write_noted(fleet: str, noted: Mapping[str, str | None], runs: Path) -> None:
    write_text(runs / fleet / MEMBERS, json.dumps(noted, indent=1) + "\n")


def _read_noted(fleet: str, runs: Path) -> dict[str, str | None]:
    path = runs / fleet / MEMBERS
    try:
        return _NOTED.validate_json(path.read_bytes()) if path.is_file() else {}
    except ValidationError as error:
        raise UserError(
            f"{shown(path)}: {format_first_error(error)}; make train writes it anew if it is removed"
        ) from None


def _read_or_none(run: Run) -> Manifest | None:
    try:
        return run.read()
    except UserError:
        return None


def _get_birth(folder: Path) -> float:
    """The time at which recipe.yaml was written, once and for all; a broken run may have lost the file."""
    recipe = folder / "recipe.yaml"
    return (recipe if recipe.is_file() else folder).stat().st_mtime
