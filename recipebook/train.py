"""`make train`: a recipe to a trained, checked run.

Reads downward: resolve, prepare the data, recognise or open the run, render, launch, check. A run of the same
identity that is trained is not trained again; one that was interrupted or failed goes on from its last checkpoint.
"""

import json
import os
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from recipebook import hardware, launch, provenance, rundir
from recipebook.dataset import Dataset, prepare
from recipebook.errors import UserError
from recipebook.files import digest_file, write_text
from recipebook.progress import ProgressLine, format_seconds
from recipebook.recipe import PROJECT
from recipebook.render import Inputs, deepspeed_strategy, find_base, render_axolotl, render_deepspeed
from recipebook.resolve import Resolved, check_references, resolve
from recipebook.rundir import Attempt, Manifest, Run, shown

TINY_NOTICE = (
    "profile tiny: no GPU is used. The embedded model of two million parameters stands in for the recipe's base;\n"
    "results are real results of a tiny model, never to be compared with published figures."
)


def train(name: str, profile: str | None, overrides: Sequence[str], *, force: bool = False) -> int:
    """Train one recipe; the exit status: 0 trained (or found trained), 1 failed, 130 stopped."""
    resolved = resolve_for_machine(name, profile, overrides)
    say_profile(resolved)
    started = time.monotonic()
    dataset = prepare(resolved.recipe.data, rundir.CACHE / "data", PROJECT)
    for line in dataset_lines(dataset):
        print(line)
    identity = provenance.identify(resolved.recipe, dataset.rows_digest)
    earlier = None if force else _find_same(identity)
    if earlier and earlier.read().status == "trained":
        print(f"found     {shown(earlier.folder)}: the same recipe, data and versions (FORCE=1 trains again)")
        return _say_next(earlier.name)
    run = earlier or rundir.create(resolved.name, datetime.now())
    lock = run.lock()
    try:
        manifest = run.read() if earlier else _open(run, resolved, dataset, identity)
        manifest = _with_stage(run, manifest, "prepare", time.monotonic() - started)
        return _launch(run, manifest, resolved, lock)
    finally:
        os.close(lock)


def resolve_for_machine(name: str, profile: str | None, overrides: Sequence[str]) -> Resolved:
    """The recipe as this machine would run it: without a GPU and without a word, under the profile `tiny`."""
    default = "gpu" if hardware.detect().gpu else "tiny"
    resolved = resolve(name, profile or default, overrides)
    check_references(resolved)
    base = find_base(resolved.recipe)
    if isinstance(base, str) and (PROJECT / base).parent.is_dir() and base.startswith("models/"):
        raise UserError(f"{base} is not there; make tiny-base makes the embedded model")
    return resolved


def say_profile(resolved: Resolved) -> None:
    """The first lines of output: loud where a tiny model stands in."""
    if resolved.profile == "tiny":
        print(TINY_NOTICE)
    print(f"recipe    {resolved.name}, profile {resolved.profile}, base {resolved.recipe.model.base}")


def dataset_lines(dataset: Dataset) -> list[str]:
    """What became of the records, for people."""
    account, rows = dataset.account, dataset.rows
    first = (
        f"data      {account.records} records, {account.rejects} rejected: "
        + ", ".join(f"{count} {part}" for part, count in rows.items())
        + f"; {account.overlap_test} test prompts in train"
    )
    return [first, *(f"          {line}" for line in account.lines()[1:])]


def run_inputs(dataset: Dataset, chat_template_digest: str, run: Path, max_length: int) -> Inputs:
    """Paths from the run's folder; prepared data is kept by all that shapes it, since Axolotl's own key ignores it."""
    key = f"{dataset.rows_digest}-{chat_template_digest.split()[-1].replace('/', '-')}-{max_length}"
    return Inputs(
        train="data/train.jsonl",
        validation="data/validation.jsonl" if dataset.rows["validation"] else None,
        prepared=os.path.relpath(rundir.CACHE / "prepared" / key, run),
    )


def _find_same(identity: str) -> Run | None:
    """The run of this identity: a trained one if there is, else the newest."""
    same = [run for run in rundir.list_runs() if run.read().identity == identity]
    trained = [run for run in same if run.read().status == "trained"]
    return next(iter([*trained, *same]), None)


def _open(run: Run, resolved: Resolved, dataset: Dataset, identity: str) -> Manifest:
    """Fill a new folder with everything but the training."""
    recipe, folder, gpu = resolved.recipe, run.folder, hardware.detect().gpu
    shutil.copyfile(resolved.source, folder / "recipe.yaml")
    write_text(folder / "resolved.yaml", resolved.dump())
    (folder / "data").mkdir()
    for part in dataset.rows:
        (folder / "data" / f"{part}.jsonl").symlink_to(os.path.relpath(dataset.path(part), folder / "data"))
    template = provenance.digest_chat_template(recipe)
    inputs = run_inputs(dataset, template, folder, recipe.training.max_length)
    write_text(folder / "axolotl.yaml", render_axolotl(recipe, inputs, gpu=gpu))
    deepspeed = render_deepspeed(recipe, gpu=gpu)
    if deepspeed:
        write_text(folder / "deepspeed.json", deepspeed)
    return run.write(
        Manifest(
            run=run.name,
            recipe=resolved.name,
            status="prepared",
            identity=identity,
            created=_now(),
            profile=resolved.profile,
            overrides=tuple(resolved.overrides),
            git=provenance.git_state(),
            versions=provenance.package_versions(),
            hashes={
                "sources": dataset.sources,
                "rows": dataset.rows_digest,
                "base": provenance.digest_base(recipe),
                "chat_template": template,
                "axolotl.yaml": digest_file(folder / "axolotl.yaml"),
            },
            account=dataset.account.model_dump(mode="json"),
            rows={str(part): count for part, count in dataset.rows.items()},
            hardware=hardware.detect(),
            command=tuple(launch.build_command(recipe)),
            environment=launch.build_environment(recipe),
        )
    )


def _launch(run: Run, manifest: Manifest, resolved: Resolved, lock: int) -> int:
    """One attempt: from the last whole checkpoint, or from the start."""
    for name in run.drop_broken_checkpoints():
        print(f"dropped   {name}: the trainer was ended while it wrote this checkpoint")
    checkpoints = run.checkpoints()
    from_step = int(checkpoints[-1].name.split("-")[-1]) if checkpoints else 0
    print(f"run       {shown(run.folder)}" + (f", going on from step {from_step}" if manifest.attempts else ""))
    attempt = Attempt(started=_now(), from_step=from_step)
    manifest = run.write(
        manifest.model_copy(
            update={"status": "training", "reason": None, "attempts": (*_settled(manifest), attempt)}
        )
    )
    (run.folder / "progress.json").unlink(missing_ok=True)
    started, line = time.monotonic(), ProgressLine("training")
    try:
        code = launch.run_trainer(
            list(manifest.command), manifest.environment, run.folder, lock, lambda fact: _draw(line, fact)
        )
    except launch.Stopped as stopped:
        line.clear()
        _close(run, manifest, started, "interrupted", f"stopped by {stopped}", None)
        print(f"stopped   by {stopped}: the same command goes on from the last checkpoint")
        return 130
    line.clear()
    reason = _find_fault(run, code)
    manifest = _close(run, manifest, started, "failed" if reason else "trained", reason, code)
    if reason:
        print(f"failed    {reason}\n          the whole log: {shown(run.folder / 'train.log')}")
        return 1
    weights = manifest.weights or {}
    print(
        f"trained   {_last_step(run.folder)} steps in {format_seconds(time.monotonic() - started)}, "
        f"loss {manifest.final_loss:.4f}; {weights['parameters']:,} weights saved, finite and changed"
    )
    return _say_next(run.name)


def _find_fault(run: Run, code: int) -> str | None:
    """Why this attempt is not a trained model; None where it is one."""
    if code < 0:
        return f"the trainer was killed by signal {-code}"
    if code:
        return f"the trainer ended with status {code}: {launch.last_error(run.folder / 'train.log')}"
    if not (run.folder / "weights.json").is_file():
        return f"the trainer ended without saving a model: {launch.last_error(run.folder / 'train.log')}"
    weights = json.loads((run.folder / "weights.json").read_bytes())
    if not weights["finite"]:
        return "the saved weights are not finite"
    if not weights["changed"]:
        return "the saved weights are those that training began with"
    loss = final_loss(run.folder)
    if loss is None or not 0 < loss < float("inf"):
        return f"the last logged loss is {loss}, not a finite number above 0"
    return None


def final_loss(folder: Path) -> float | None:
    """The last training loss in metrics.jsonl."""
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return None
    losses = [line["loss"] for line in map(json.loads, path.read_text().splitlines()) if "loss" in line]
    return float(losses[-1]) if losses else None


def _close(run: Run, manifest: Manifest, started: float, status: str, reason: str | None, code: int | None) -> Manifest:
    seconds = round(time.monotonic() - started, 2)
    weights = run.folder / "weights.json"
    attempt = manifest.attempts[-1].model_copy(update={"seconds": seconds, "exit_code": code, "outcome": status})
    return run.write(
        manifest.model_copy(
            update={
                "status": status,
                "reason": reason,
                "attempts": (*manifest.attempts[:-1], attempt),
                "stages": {**manifest.stages, "train": round(manifest.stages.get("train", 0) + seconds, 2)},
                "final_loss": final_loss(run.folder),
                "weights": json.loads(weights.read_bytes()) if weights.is_file() else None,
            }
        )
    )


def _settled(manifest: Manifest) -> tuple[Attempt, ...]:
    """Earlier attempts; one that never came to be closed was killed together with its runner."""
    return tuple(
        attempt.model_copy(update={"outcome": "killed"}) if attempt.outcome == "training" else attempt
        for attempt in manifest.attempts
    )


def _with_stage(run: Run, manifest: Manifest, stage: str, seconds: float) -> Manifest:
    return run.write(manifest.model_copy(update={"stages": {**manifest.stages, stage: round(seconds, 2)}}))


def _draw(line: ProgressLine, fact: dict[str, object]) -> None:
    if fact.get("phase") == "training":
        line.show(int(str(fact["step"])), int(str(fact["steps"])))
    else:
        line.wait("saving" if fact else "loading the engine")


def _last_step(folder: Path) -> int:
    return int(launch.read_progress(folder)["step"])


def _say_next(name: str) -> int:
    print(f"next      make eval RUN={name}")
    return 0


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
