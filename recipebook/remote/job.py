"""A run that a service trains, carried out in the run's folder: `python -m recipebook.remote.job`.

In: resolved.yaml and data/train.jsonl. Out: model/ and weights.json, as a trainer leaves them. `remote.json`
records each step, before and after it, so that the next attempt resumes and pays for nothing twice:

    {"service": "together", "url": "https://…/v1", "rows": 1500, "file": "file-1c…", "orders": [{"suffix": "rb-3f2a…",
     "asked": "2026-11-21T09:30:00+00:00", "job": "ft-77…", "status": "completed"}], "archive": "9b1c…", "left_out": []}

An order without a job: its sender died while or before sending it. The next attempt first looks for a job that bears
the suffix.
"""

import json
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path

from recipebook.building import building
from recipebook.data.export import export_rows
from recipebook.errors import UserError
from recipebook.files import digest_file, replacing, write_text
from recipebook.frozen import Frozen
from recipebook.locks import holding, lock_file
from recipebook.project import CACHE, INSTALLATION, shown
from recipebook.recipe.keys import Recipe, Remote
from recipebook.recipe.training_keys import Lora
from recipebook.remote.archive import unpack_adapter
from recipebook.remote.service import RemoteJob, Service, Unclear, connect, load_service, name_url
from recipebook.run.adapter_names import CONFIG
from recipebook.run.manifest import format_now
from recipebook.run.resolved import read_resolved
from recipebook.run.rundir import REMOTE

LOOKS_FOR_AN_ORPHAN = 3
TRIES = 5


class Order(Frozen):
    """One training that was ordered; `status` is the last that the service reported."""

    suffix: str
    asked: str
    job: str | None = None
    status: str | None = None
    failed: bool = False


class State(Frozen):
    """`remote.json`."""

    service: str
    url: str
    rows: int = 0
    file: str | None = None
    orders: tuple[Order, ...] = ()
    archive: str | None = None
    left_out: tuple[str, ...] = ()


class RemoteRun:
    """A run's folder, the service, and what remote.json says."""

    def __init__(self, folder: Path, recipe: Recipe, remote: Remote, service: Service) -> None:
        self.folder, self.recipe, self.remote, self.service = folder, recipe, remote, service
        path = folder / REMOTE
        fresh = State(service=remote.service, url=name_url(remote))
        self.state = State.model_validate_json(path.read_bytes()) if path.is_file() else fresh

    def carry_out(self) -> None:
        """Resume at the step that remote.json records, and finish."""
        if self.state.file is None:
            self._upload()
        job = self._take_up() or self._order()
        self._record(job)
        job = self._wait(job)
        if job.state == "failed":
            reason = f": {job.reason}" if job.reason else ""
            raise UserError(f"{self.remote.service}: job {job.id} ended as {job.status}{reason}")
        self._fetch(job)

    def _upload(self) -> None:
        self._write_progress("sending the rows")
        rows = self.folder / "data" / "sent.jsonl"
        account = export_rows(self.remote.form, str(self.folder / "data" / "train.jsonl"), rows)
        _strip_metadata(rows)
        file = self.service.upload(rows, f"{self.folder.name}.jsonl")
        self._write(file=file, rows=account.rows)
        print(f"sent {account.rows} rows of train as {file}")

    def _take_up(self) -> RemoteJob | None:
        """The job of an earlier attempt that is under way or done; None where a new one is wanted."""
        last = self.state.orders[-1] if self.state.orders else None
        if last is None or last.failed:
            return None
        job = self.service.look(last.job) if last.job else self._find(last.suffix)
        if job:
            print(f"took up {job.id}, {job.status}")
        return job

    def _find(self, suffix: str) -> RemoteJob | None:
        """A job that was started, but whose answer was lost; the list of jobs may lag, so it is read more than once."""
        for look in range(LOOKS_FOR_AN_ORPHAN):
            if look:
                time.sleep(min(self.remote.poll_seconds, 10))
            if job := self.service.find(suffix):
                return job
        return None

    def _order(self) -> RemoteJob:
        """Start a job under the last order's name if none bears it yet, else under a new one."""
        orders = self.state.orders
        if not orders or orders[-1].failed:
            # The name is written down before it is used.
            order = Order(suffix=f"rb-{secrets.token_hex(8)}", asked=format_now())
            self._write(orders=(*orders, order))
        suffix, request = self.state.orders[-1].suffix, load_service(self.remote.service).build_order(self.recipe)
        for _ in range(TRIES):
            _wait_for_turn(self.remote)
            try:
                job = self.service.start(request, self.state.file or "", suffix)
            except Unclear as unclear:
                print(f"{unclear}; was {suffix} started?")
                found = self._find(suffix)
                if not found:
                    continue
                job = found
            print(f"started {job.id} as {suffix}")
            return job
        raise UserError(f"{self.remote.service}: {suffix} may have been started: run the same command to resume")

    def _wait(self, job: RemoteJob) -> RemoteJob:
        while job.state == "running":
            self._write_progress(f"{job.status} at {self.remote.service}", job)
            time.sleep(self.remote.poll_seconds)
            last, job = job, self.service.look(job.id)
            if job.status != last.status:
                print(f"{job.id} is {job.status}")
                self._record(job)
        return job

    def _fetch(self, job: RemoteJob) -> None:
        self._write_progress("fetching the adapter")
        archive = self.folder / "adapter.packed"
        self.service.download(job.id, archive)
        with building("model", self.folder) as unpacked:
            left_out = unpack_adapter(archive, unpacked)
            _check_adapter(unpacked / CONFIG, self.recipe.lora)
            weights = _check_weights(unpacked)
            unpacked.chmod(0o755)
            # Left by an attempt that died right here.
            shutil.rmtree(self.folder / "model", ignore_errors=True)
            unpacked.rename(self.folder / "model")
        self._write(archive=digest_file(archive), left_out=tuple(left_out))
        archive.unlink()
        write_text(self.folder / "weights.json", weights)
        print(f"fetched the adapter of {job.id}; left out: {', '.join(left_out) or 'nothing'}")

    def _record(self, job: RemoteJob) -> None:
        order = self.state.orders[-1]
        fields = {"job": job.id, "status": job.status, "failed": job.state == "failed"}
        self._write(orders=(*self.state.orders[:-1], order.model_copy(update=fields)))

    def _write(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        write_text(self.folder / REMOTE, self.state.model_dump_json(indent=2) + "\n")

    def _write_progress(self, phase: str, job: RemoteJob | None = None) -> None:
        """`progress.json`, which the runner draws."""
        step, steps = (job.step or 0, job.steps or 0) if job else (0, 0)
        fact = {"phase": "training" if steps else phase, "step": step, "steps": steps, "loss": None}
        write_text(self.folder / "progress.json", json.dumps({**fact, "time": time.time()}))


def cancel(folder: Path) -> str:
    """End the run's job at its service; returns a line with the status that the service reports."""
    path = folder / REMOTE
    order = State.model_validate_json(path.read_bytes()).orders[-1:] if path.is_file() else ()
    if not order or not order[0].job or order[0].failed or order[0].status == "completed":
        raise UserError(f"{shown(folder)} has no job under way at a service")
    remote = read_recipe(folder).remote
    assert remote
    job = connect(remote).cancel(order[0].job)
    return f"{job.id} is {job.status}"


def read_recipe(folder: Path) -> Recipe:
    """The recipe as it runs."""
    return Recipe.model_validate(read_resolved(folder))


def main() -> int:
    """Carry out the run in the working directory; a UserError becomes the log's last line."""
    folder = Path.cwd()
    recipe = read_recipe(folder)
    assert recipe.remote
    try:
        RemoteRun(folder, recipe, recipe.remote, connect(recipe.remote)).carry_out()
    except UserError as error:
        print(error)
        return 1
    return 0


def _strip_metadata(rows: Path) -> None:
    """Remove the metadata, which only our evaluation needs: services refuse columns that they do not know."""
    with rows.open("rb") as lines, replacing(rows) as out:
        for line in map(json.loads, lines):
            line.pop("metadata", None)
            out.write(json.dumps(line).encode() + b"\n")


def _wait_for_turn(remote: Remote) -> None:
    """Return when the last start, by whichever process of this project, is long enough ago."""
    path = CACHE / "remote" / f"{remote.service}.turn"
    path.parent.mkdir(parents=True, exist_ok=True)
    with holding(lock_file(path)):
        last = float(path.read_text() or 0)
        time.sleep(min(remote.stagger_seconds, max(0.0, last + remote.stagger_seconds - time.time())))
        path.write_text(str(time.time()))


def _check_adapter(path: Path, wanted: Lora | None) -> None:
    """Refuse an adapter of another shape than was ordered."""
    assert wanted
    try:
        found = json.loads(path.read_bytes())
        received = {"peft_type": found["peft_type"], "r": found["r"], "lora_alpha": found["lora_alpha"]}
        modules = found["target_modules"]
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{CONFIG}: no adapter's: {error!r}") from None
    ordered = {"peft_type": "LORA", "r": wanted.r, "lora_alpha": wanted.alpha}
    if wanted.target_modules != "all-linear":
        received["target_modules"], ordered["target_modules"] = sorted(modules), sorted(wanted.target_modules)
    for key, value in ordered.items():
        if received[key] != value:
            raise UserError(f"{CONFIG}: {key} is {received[key]}, and {value} was ordered")


def _check_weights(folder: Path) -> str:
    """The report of recipebook/run/weights.py, from a separate process, which may load torch."""
    command = [sys.executable, "-m", "recipebook.run.weights", str(folder)]
    done = subprocess.run(command, cwd=INSTALLATION, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"their check ended with status {done.returncode}"]
        raise UserError(f"the fetched weights cannot be read: {lines[-1]}")
    found = json.loads(done.stdout)
    if not found["finite"]:
        raise UserError("the fetched weights are not finite")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
