"""A run that resumes with other processes: its files for them, and what cannot be resumed."""

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from recipebook import hardware
from recipebook.errors import UserError
from recipebook.launch.relaunch import read_launch, refuse_half_resume, rewrite_launch
from recipebook.launch.render import Inputs, render_axolotl
from recipebook.recipe.keys import Launch, Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from recipebook.train.opening import dump_recipe

INPUTS = Inputs(train="data/train.jsonl", validation=None, prepared="../prepared", adapter="../sft/model")


def build(*settings: str) -> Recipe:
    return resolve("robot-lora", "tiny", ["training.global_batch=16", "training.batch_size=4", *settings]).recipe


def open_folder(folder: Path, recipe: Recipe) -> None:
    (folder / "resolved.yaml").write_text(dump_recipe(recipe))
    (folder / "axolotl.yaml").write_text(render_axolotl(recipe, INPUTS, gpu=False))


def write_checkpoint(folder: Path) -> None:
    """A checkpoint of which every file is there, with nothing in it."""
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 5}))
    with zipfile.ZipFile(folder / "optimizer.pt", "w") as archive:
        archive.writestr("optimizer/version", "3")


def test_only_what_the_launch_decides_is_written_anew(tmp_path: Path) -> None:
    open_folder(tmp_path, build())
    before = yaml.safe_load((tmp_path / "axolotl.yaml").read_bytes())
    assert (before["micro_batch_size"], before["gradient_accumulation_steps"]) == (4, 4)
    rewrite_launch(tmp_path, build("launch.processes=8", "launch.strategy=zero2", "training.epochs=1"))
    after = yaml.safe_load((tmp_path / "axolotl.yaml").read_bytes())
    changed = {
        "micro_batch_size": 2, "gradient_accumulation_steps": 1, "deepspeed": "deepspeed.json", "ddp_timeout": 7200
    }  # fmt: skip
    assert after == before | changed
    assert (tmp_path / "deepspeed.json").is_file()
    rewrite_launch(tmp_path, build())
    assert yaml.safe_load((tmp_path / "axolotl.yaml").read_bytes()) == before
    assert not (tmp_path / "deepspeed.json").exists()


def test_shards_and_what_a_card_can_are_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed training that began by fsdp2 on cards with bf16, and resumes in one process on a T4."""
    packed = ("training.global_batch=null", "training.packing=true", "training.precision=auto")
    recipe = build(*packed, "launch.processes=8", "launch.strategy=fsdp2")
    (tmp_path / "axolotl.yaml").write_text(render_axolotl(recipe, INPUTS, gpu=True, bf16=True))
    before = yaml.safe_load((tmp_path / "axolotl.yaml").read_bytes())
    assert (before["fsdp_version"], before["bf16"], "sdpa_varlen" in before) == (2, True, False)
    t4 = hardware.detect().model_copy(update={"gpus": ("Tesla T4",)})
    monkeypatch.setattr(hardware, "detect", lambda: t4)
    monkeypatch.setattr(hardware, "computes_bf16", lambda: False)
    rewrite_launch(tmp_path, build(*packed))
    after = yaml.safe_load((tmp_path / "axolotl.yaml").read_bytes())
    assert {key for key in before if key not in after} == {"fsdp_version", "fsdp_config", "ddp_timeout"}
    assert (after["bf16"], after["fp16"], after["sdpa_varlen"]) == (False, True, False)


@pytest.mark.parametrize(
    ("wrote", "resumes"),
    [
        ("launch.processes=2", "launch.processes=1"),
        ("launch.processes=1", "launch.processes=2"),
        ("launch.strategy=zero2", "launch.strategy=zero2"),
        ("launch.processes=2 launch.strategy=fsdp2", "launch.processes=4 launch.strategy=fsdp2"),
        ("launch.processes=2 launch.strategy=fsdp2", "launch.processes=1"),
        ("launch.processes=1", "launch.processes=2 launch.strategy=fsdp2"),
    ],
)
def test_processes_whose_checkpoints_are_whole_resume_each_others(tmp_path: Path, wrote: str, resumes: str) -> None:
    open_folder(tmp_path, build(*wrote.split()))
    write_checkpoint(tmp_path / "model" / "checkpoint-5")
    refuse_half_resume(Run(tmp_path), build(*resumes.split()).launch)


@pytest.mark.parametrize(
    ("wrote", "resumes", "reason"),
    [
        (
            {"processes": 2, "strategy": "zero2"},
            {"processes": 1, "strategy": "data-parallel"},
            "zero2 on 2 processes, and cannot be resumed by data-parallel on 1 process; "
            "GPUS=2 SET='launch.strategy=zero2' resumes it, FORCE=1 trains anew",
        ),
        (
            {"processes": 2, "machines": 2, "strategy": "zero3"},
            {"processes": 8, "strategy": "zero3"},
            "zero3 on 4 processes, and cannot be resumed by zero3 on 8 processes; "
            "GPUS=2 SET='launch.strategy=zero3 launch.machines=2' resumes it, FORCE=1 trains anew",
        ),
        (
            {"processes": 2, "strategy": "zero3", "offload": "weights"},
            {"processes": 2, "strategy": "zero3"},
            "zero3 with launch.offload: weights on 2 processes, and cannot be resumed by zero3 on 2 processes; "
            "GPUS=2 SET='launch.strategy=zero3 launch.offload=weights' resumes it, FORCE=1 trains anew",
        ),
        (
            {},
            {"strategy": "zero1"},
            "data-parallel on 1 process, and cannot be resumed by zero1 on 1 process; "
            "GPUS=1 SET='launch.strategy=data-parallel' resumes it, FORCE=1 trains anew",
        ),
    ],
)
def test_a_checkpoint_that_would_be_half_resumed_is_refused(
    tmp_path: Path, wrote: dict[str, object], resumes: dict[str, object], reason: str
) -> None:
    (tmp_path / "resolved.yaml").write_text(json.dumps({"launch": wrote}))
    wanted = Launch.model_validate(resumes)
    refuse_half_resume(Run(tmp_path), wanted)
    write_checkpoint(tmp_path / "model" / "checkpoint-5")
    with pytest.raises(UserError) as caught:
        refuse_half_resume(Run(tmp_path), wanted)
    assert str(caught.value) == f"{tmp_path}: checkpoint-5 was written by {reason}"


def test_a_recipe_of_an_earlier_version_may_have_no_launch(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("model: {base: models/tiny-base}\n")
    assert read_launch(tmp_path) == Launch()
