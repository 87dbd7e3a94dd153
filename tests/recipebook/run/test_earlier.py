"""Runs of the version before the rooms: recognised today by what their folders say, and resumed by today's command."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.files import digest
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run import identities, provenance, rundir
from recipebook.run.earlier import translate_manifest
from recipebook.run.manifest import FORM, Manifest, StageEntry
from recipebook.run.rundir import Run
from recipebook.train.opening import reopen_run

# Left by version c49d641: a training of its own, and two stages of which the second was under way.
RUNS = Path(__file__).parent / "earlier"
ROBOT, DIAL = "robot-lora-20261128-230031", "dial-dpo-20261128-230031"


def read_recipe(name: str) -> Recipe:
    return resolve(str(RUNS / name / "resolved.yaml")).recipe


def identify_as_then(monkeypatch: pytest.MonkeyPatch, recipe: Recipe, manifest: Manifest) -> str:
    """Today's identity of a recipe on the rows, base, template and versions of that day."""
    monkeypatch.setattr(provenance, "digest_base", lambda _: manifest.hashes["base"])
    monkeypatch.setattr(provenance, "digest_chat_template", lambda _: manifest.hashes["chat_template"])
    monkeypatch.setattr(provenance, "package_versions", lambda: manifest.versions)
    return identities.identify(recipe, manifest.hashes["rows"])


def test_a_run_of_the_first_form_has_the_identity_that_its_recipe_has_today(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = Run(RUNS / ROBOT).read()
    assert (manifest.form, manifest.status) == (FORM, "trained")
    assert manifest.identity != "e5bebbc79ee919e5"
    recipe = read_recipe(ROBOT)
    assert manifest.identity == identify_as_then(monkeypatch, recipe, manifest)
    other = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": 7})})
    assert manifest.identity != identities.identify(other, manifest.hashes["rows"])


def test_it_is_found_by_that_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(RUNS / ROBOT, tmp_path / ROBOT)
    identity = Run(RUNS / ROBOT).read().identity
    found = [run.name for run, manifest in rundir.list_readable(tmp_path) if manifest.identity == identity]
    assert found == [ROBOT]


def test_once_written_again_it_is_of_todays_form_and_keeps_its_identity(tmp_path: Path) -> None:
    shutil.copytree(RUNS / ROBOT, tmp_path / ROBOT)
    run = Run(tmp_path / ROBOT)
    before = run.write(run.read())
    (run.folder / "resolved.yaml").unlink()
    assert run.read() == before


def test_a_damaged_recipe_of_such_a_run_is_one_line_and_hides_no_other_run(tmp_path: Path) -> None:
    shutil.copytree(RUNS / ROBOT, tmp_path / ROBOT)
    shutil.copytree(RUNS / ROBOT, tmp_path / "whole")
    path = tmp_path / ROBOT / "resolved.yaml"
    path.write_bytes(b"model: {base\xff")
    with pytest.raises(UserError) as caught:
        Run(tmp_path / ROBOT).read()
    assert str(caught.value) == f"{path}: is no YAML"
    assert [run.name for run, _ in rundir.list_readable(tmp_path)] == ["whole"]


def test_stages_of_the_first_form_have_todays_inputs_and_identities() -> None:
    first, second = Run(RUNS / DIAL).read().pipeline
    assert first.inputs == {
        "model.base": '"models/tiny-base"',
        "model.chat_template": '"chatml"',
        "training.epochs": "4.0",
        "training.max_steps": "4",
        "training.global_batch": "16",
        "training.learning_rate": "0.003",
        "training.max_length": "512",
        "training.group_by_length": "true",
        "training.precision": '"fp32"',
        "lora.dropout": "0.0",
        "lora.target_modules": '["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]',
        "rows": "b009fde5989d696c",
        "base": "5de5ba08492057c4",
        "chat template": "63375adbeb1e666f",
        "versions.python": "3.11.7",
        "versions.axolotl": "0.19.0",
        "versions.torch": "2.13.0+cpu",
        "versions.transformers": "5.16.1",
        "versions.peft": "0.20.0",
        "versions.trl": "1.9.0",
        "versions.accelerate": "1.13.0",
        "versions.deepspeed": "0.19.8",
        "versions.datasets": "4.8.4",
        "versions.recipebook": "0.1.0",
        "start": "base",
    }
    assert first.identity == provenance.digest_inputs(first.inputs) != "6273a1c7b3417b11"
    assert second.inputs["start"] == f"sft {first.identity}"
    assert Run(RUNS / DIAL).read().identity == digest("sft", first.identity, "dpo", second.identity)


def test_the_stages_that_are_built_on_are_known_by_todays_hashes(tmp_path: Path) -> None:
    inputs = {"code": "then", "data.split.seed": "42", "generate_pairs.answers": "4"}
    entries = (
        StageEntry(name="pairs", kind="generate_pairs", start="base", identity="p1", inputs=inputs),
        StageEntry(
            name="dpo", kind="train", start="pairs merged", identity="d1",
            inputs={"stage pairs": "p1", "start": "pairs merged p1", "stage other": "gone"},
        ),
    )  # fmt: skip
    manifest = Run(RUNS / DIAL).read().model_copy(update={"pipeline": entries})
    pairs, dpo = translate_manifest(manifest, tmp_path).pipeline
    assert pairs.inputs == {"code": "then", "generate_pairs.answers": "4"}
    assert dpo.inputs == {
        "stage pairs": pairs.identity,
        "start": f"pairs merged {pairs.identity}",
        "stage other": "gone",
        "training.global_batch": "4",
    }


def test_a_manifest_that_was_never_prepared_keeps_its_identity(tmp_path: Path) -> None:
    manifest = Run(RUNS / ROBOT).read().model_copy(update={"hashes": {}, "identity": "e5bebbc79ee919e5"})
    assert translate_manifest(manifest, tmp_path).identity == "e5bebbc79ee919e5"


def test_a_run_that_goes_on_is_started_by_todays_command(tmp_path: Path) -> None:
    recipe = read_recipe(ROBOT)
    shutil.copytree(RUNS / ROBOT, tmp_path / ROBOT)
    (tmp_path / ROBOT / "axolotl.yaml").write_text("micro_batch_size: 4\n")
    run = Run(tmp_path / ROBOT)
    manifest = run.read()
    old = manifest.model_copy(update={"status": "interrupted", "command": ("python", "-m", "recipebook.remote_job")})
    assert reopen_run(run, old, recipe).command == (sys.executable, "-m", "trainer", "axolotl.yaml")
    remote = Recipe.model_validate({**recipe.model_dump(), "remote": {}})
    assert reopen_run(run, old, remote).command == (sys.executable, "-m", "recipebook.remote.job")
    assert reopen_run(run, old, recipe, ["python", "-m", "stages"]).command == ("python", "-m", "stages")
    assert reopen_run(run, manifest, recipe) is manifest


def test_a_run_of_the_second_form_is_known_without_its_launch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(RUNS / ROBOT, tmp_path / ROBOT)
    path = tmp_path / ROBOT / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "form": 2, "identity": "8 processes"}))
    manifest = Run(tmp_path / ROBOT).read()
    assert (manifest.form, manifest.identity) == (3, Run(RUNS / ROBOT).read().identity)
    two = resolve(str(RUNS / ROBOT / "resolved.yaml"), None, ["launch.processes=2", "training.batch_size=8"]).recipe
    assert manifest.identity == identify_as_then(monkeypatch, two, manifest)
