"""What is made of a recipe, by the functions that make it for a user: a resolved recipe in, what differs out.

render(resolve("robot-lora"), folder) → ("base_model: …", None)
"""

import json
import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from eval.evaluate import evaluate_run
from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.fleet import page
from recipebook.fleet import train as fleet
from recipebook.fleet.members import list_members, stand
from recipebook.launch.command import build_command, build_environment
from recipebook.launch.launchers import LaunchJob
from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.pipeline.inputs import list_steps
from recipebook.pipeline.opening import open_stage, prepare_rows
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.stages import read_stages
from recipebook.remote.job import RemoteRun
from recipebook.remote.service import connect, name_key, name_url
from recipebook.run import rundir
from recipebook.run.begun import find_begun
from recipebook.run.manifest import StageEntry
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from recipebook.train.opening import begin_manifest, open_run
from services.together import build_order
from tests.recipebook.run.test_begun import write_adapter
from tests.services.together_server import KEY, serving

SLOW = 0.6


def render(resolved: Resolved, folder: Path) -> Any:
    """What Axolotl and DeepSpeed read."""
    inputs = Inputs(train="train.jsonl", validation="validation.jsonl", prepared="prepared")
    return render_axolotl(resolved.recipe, inputs, gpu=True), render_deepspeed(resolved.recipe, gpu=True)


def begin(resolved: Resolved, folder: Path) -> Any:
    """The adapter that training goes on from."""
    return find_begun(resolved.recipe)


def start(resolved: Resolved, folder: Path) -> Any:
    """The command and its environment."""
    return build_command(resolved.recipe), build_environment(resolved.recipe)


def convert(resolved: Resolved, folder: Path) -> Any:
    """The rows of all parts."""
    recipe = resolved.recipe
    dataset = prepare(recipe.data, folder / "cache" / "data", resolved.root, system=recipe.model.system)
    return [dataset.path(part).read_text() for part in dataset.rows]


def leave(resolved: Resolved, folder: Path) -> Any:
    """What a run's folder keeps of the recipe for people to read."""
    run = Run(folder / "kept")
    run.folder.mkdir()
    begin_manifest(run, resolved, (), "identity")
    kept = [(run.folder / name).read_text() for name in ("recipe.yaml", "resolved.yaml")]
    shutil.rmtree(run.folder)
    return kept


def expand(resolved: Resolved, folder: Path) -> Any:
    """The members of a fleet, by name, and those that are left out."""
    members = list_members(resolved)
    return [(one.member.name, dict(one.member.settings), one.state) for one in stand(resolved, members)]


class Failing:
    """A launcher whose trainings end at once, without a model."""

    slots = 1

    def __init__(self) -> None:
        self.started = 0

    def start(self, job: LaunchJob) -> "Failing":
        self.started += 1
        (job.folder / "train.log").write_text("ValueError: no\n")
        return self

    def poll(self) -> int | None:
        return 1

    def stop(self) -> None: ...

    def close(self) -> None: ...


def fail(resolved: Resolved, folder: Path) -> Any:
    """How often a fleet's members are started that cannot be trained."""
    launcher = Failing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "_open_launcher", lambda *_: launcher)
        fleet.train_fleet(resolved, (), fleet.FleetChoice())
    return launcher.started


def train(resolved: Resolved, folder: Path, member: str | None = None) -> Run:
    """A run as full fine-tuning leaves it: the base with another norm at its end."""
    dataset = prepare(resolved.recipe.data, folder / "cache" / "data", resolved.root)
    run = rundir.create(member or "run", datetime.now(), fleet="fleet" if member else None)
    manifest = open_run(run, resolved, (), dataset, member or "identity")
    shutil.copytree(PROJECT / "models" / "tiny-base", run.folder / "model")
    _change_weights(run.folder / "model" / "model.safetensors")
    shutil.copyfile(PROJECT / "templates" / "chat" / "chatml.jinja", run.folder / "model" / "chat_template.jinja")
    # As if the recipe's file were gone, whose `eval` section would count instead of the resolved one.
    run.write(manifest.model_copy(update={"status": "trained", "member": member, "source": None}))
    return run


def _change_weights(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    save_file({**tensors, "model.norm.weight": tensors["model.norm.weight"] * 1.5}, path, {"format": "pt"})


def evaluate(resolved: Resolved, folder: Path) -> Any:
    """What an evaluation finds, and the batches that were read for it."""
    import torch

    batches = []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, _, __: batches.append(type(module).__name__) if "CausalLM" in type(module).__name__ else None
    )
    try:
        where, _ = evaluate_run(train(resolved, folder), ())
    finally:
        hook.remove()
    files = ("predictions.jsonl", "scores.jsonl", "summary.json", "baselines.jsonl")
    found = [(where / name).read_text() for name in files if (where / name).is_file()]
    # Each evaluation is counted as one more of the same test set.
    return len(batches), [re.sub(r'"looks": \{[^}]*\}', "", text) for text in found]


def evaluate_beside_placebo(resolved: Resolved, folder: Path) -> Any:
    """The evaluation of a run whose placebo is there, and its verdict."""
    # A placebo is found by the identity that it was trained with.
    placebo = train(resolved, folder)
    placebo.write(placebo.read().model_copy(update={"placebo_of": "identity"}))
    return evaluate(resolved, folder)


def vote(resolved: Resolved, folder: Path) -> Any:
    """What the evaluation of a fleet leaves beside its members' own."""
    from eval.evaluate_fleet import evaluate_fleet

    members = [train(resolved, folder, name) for name in ("1", "2")]
    evaluate_fleet("fleet", [(run, run.read()) for run in members], ())
    return (project.RUNS / "fleet" / "vote").is_dir()


def open_last(resolved: Resolved, folder: Path) -> Any:
    """The folder of the last of some stages, the others being there: its name, and what it is trained with."""
    stages = read_stages(read_layers(str(resolved.source), "tiny", (), resolved.root))
    steps = list_steps(stages)
    top = Run(folder / "top")
    for stage in stages[:-1]:
        (top.folder / "stages" / stage.name / "model").mkdir(parents=True)
        (top.folder / "stages" / stage.name / "model" / "adapter_config.json").write_text("{}")
    entries = [
        StageEntry(name=step.stage.name, kind="train", start="", identity=step.identity, inputs=step.inputs)
        for step in steps
    ]
    top.write(begin_manifest(top, resolved, (), "identity").model_copy(update={"pipeline": tuple(entries)}))
    run = StageRun(top, stages[-1].name)
    open_stage(run, steps[-1], (), prepare_rows(steps[-1], top))
    found = run.name, (run.folder / "axolotl.yaml").read_text()
    shutil.rmtree(top.folder)
    return found


def order(resolved: Resolved, folder: Path) -> Any:
    """What a service is sent, when, and by which way."""
    remote = resolved.recipe.remote
    assert remote
    with serving() as account, pytest.MonkeyPatch.context() as patch:
        account.statuses = ("pending", "error")
        patch.setenv("TOGETHER_API_KEY", KEY)
        patch.setenv("OTHER_KEY", KEY)
        here = remote.model_copy(update={"url": account.url})
        service, run = connect(here), train(resolved, folder).folder
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(UserError, match="ended as error"):
                RemoteRun(run, resolved.recipe, here, service).carry_out()
        slow = time.monotonic() - started > SLOW
        jobs = [{key: value for key, value in job.items() if key != "suffix"} for job in account.jobs.values()]
    return slow, name_url(remote), name_key(remote), jobs, list(account.files.values()), build_order(resolved.recipe)


def write_sample(folder: Path) -> None:
    """A few chats of two turns, as files."""
    chats = [make_chat(number) for number in range(40)]
    others = [make_chat(number) for number in range(100, 140)]
    for name, lines in (("chats", chats), ("others", others), ("broken", [*chats, {"id": "broken"}])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name, ends in (("lists", (20, 30)), ("others", (24, 32))):
        lists = {topic: split_numbers(range(start, 40, 2), *ends) for start, topic in enumerate("ab")}
        (folder / f"{name}.json").write_text(json.dumps(lists))
    write_adapter(folder / "adapter")
    (folder / "variants.yaml").write_text("plain: {}\npolite: {prompt: 'Please: {prompt}'}\n")
    (folder / "base.yaml").write_text("description: a base\ntraining: {epochs: 9}\n")


def split_numbers(numbers: range, train: int, validation: int) -> dict[str, list[int]]:
    """The parts of a split file, by where each ends."""
    ends = {"train": (0, train), "val": (train, validation), "test": (validation, numbers.stop)}
    return {part: [at for at in numbers if first <= at < end] for part, (first, end) in ends.items()}


def make_chat(number: int) -> dict[str, Any]:
    """A record whose texts are its own."""
    said = [f"say {number} of {turn}" if turn % 2 == 0 else f"{number} {turn} " * (number % 5 + 1) for turn in range(4)]
    roles = ("user", "assistant") * 2
    topic, kind = "ab"[number % 2], "abc"[number % 3]
    return {
        "id": f"chat {number}",
        "topic": topic,
        "kind": kind,
        "text": f"text {number}",
        "messages": [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)],
        "metadata": {"topic": topic, "kind": kind},
    }


def keep_apart(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Runs and caches of the test's own, for functions that have the project's by default as well."""
    real = project.RUNS
    monkeypatch.setattr(project, "CACHE", folder / "cache")
    monkeypatch.setattr(project, "RUNS", folder / "runs")
    for function in (*vars(rundir).values(), *vars(page).values()):
        positional, named = (
            getattr(function, "__defaults__", None) or (),
            getattr(function, "__kwdefaults__", None) or {},
        )
        if real in positional:
            ours = tuple(folder / "runs" if each == real else each for each in positional)
            monkeypatch.setattr(function, "__defaults__", ours)
        if real in named.values():
            monkeypatch.setattr(function, "__kwdefaults__", {**named, "runs": folder / "runs"})
