"""The files that start a run, as bash, shellcheck and accelerate read them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from recipebook.launch.render import Inputs, render_axolotl
from recipebook.launch.script import needs_accelerate, render_script, render_settings, write_launch_files
from recipebook.recipe.keys import Recipe

MINIMAL = {
    "description": "d",
    "model": {"base": "models/tiny-seed", "chat_template": "chatml"},
    "data": {"source": "a.json", "converter": "robot"},
}
ENVIRONMENT = {"PATH": "ignored", "PYTHONPATH": "/a folder/it's", "CUDA_VISIBLE_DEVICES": "0,1", "MAIN": "other:1"}
LAUNCHES: list[dict[str, object]] = [
    {}, {"processes": 2}, {"strategy": "zero2"}, {"processes": 8, "machines": 2, "strategy": "zero3"},
    {"processes": 2, "strategy": "fsdp2"},
]  # fmt: skip


def recipe(**launched: object) -> Recipe:
    return Recipe.model_validate({**MINIMAL, "launch": launched})


@pytest.mark.parametrize("launched", LAUNCHES)
def test_shellcheck_has_nothing_to_say(launched: dict[str, object], tmp_path: Path) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck: apt-get install shellcheck")
    write_launch_files(tmp_path, recipe(**launched), ENVIRONMENT)
    done = subprocess.run(["shellcheck", tmp_path / "launch.sh"], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_the_script_of_one_process_runs_the_trainer_in_the_runs_folder() -> None:
    assert render_script(recipe(), ENVIRONMENT) == (
        "#!/usr/bin/env bash\n"
        "# Trains this run; the runner starts it by this file too.\n"
        "set -euo pipefail\n"
        'cd "$(dirname "${BASH_SOURCE[0]}")"\n'
        f'export PATH={Path(sys.executable).parent}:"$PATH"\n'
        "export PYTHONPATH='/a folder/it'\"'\"'s'\n"
        'export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES-0,1}"\n'
        f"exec {sys.executable} -m trainer axolotl.yaml\n"
    )


def test_a_script_gives_the_place_of_its_machine_to_accelerate(tmp_path: Path) -> None:
    script = render_script(recipe(processes=8, machines=2), {}).replace(sys.executable, "echo")
    (tmp_path / "launch.sh").write_text(script)
    environment = os.environ | {"MACHINE_RANK": "1", "MAIN": "fd00::1:29500"}
    done = subprocess.run(["bash", tmp_path / "launch.sh"], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == (
        "-m accelerate.commands.launch --config_file accelerate.yaml --machine_rank 1 --main_process_ip fd00::1 "
        "--main_process_port 29500 -m trainer axolotl.yaml\n"
    )


def test_accelerate_is_given_all_ranks_and_starts_no_other_machine() -> None:
    settings = yaml.safe_load(render_settings(recipe(processes=8, machines=2, strategy="zero2"), gpu=True))
    assert settings == {
        "compute_environment": "LOCAL_MACHINE", "distributed_type": "DEEPSPEED", "num_machines": 2,
        "num_processes": 16, "machine_rank": 0,
        "deepspeed_config": {"deepspeed_multinode_launcher": "standard"},
    }  # fmt: skip
    assert yaml.safe_load(render_settings(recipe(processes=2), gpu=True))["distributed_type"] == "MULTI_GPU"


def test_accelerate_shards_by_the_settings_of_axolotl() -> None:
    wanted = recipe(processes=8, strategy="fsdp2")
    settings = yaml.safe_load(render_settings(wanted, gpu=True))
    assert (settings["distributed_type"], settings["num_processes"]) == ("FSDP", 8)
    inputs = Inputs("data/train.jsonl", None, "prepared")
    rendered = yaml.safe_load(render_axolotl(wanted, inputs, gpu=True))
    own = {f"fsdp_{key}": value for key, value in rendered["fsdp_config"].items()}
    assert settings["fsdp_config"] == own | {"fsdp_version": rendered["fsdp_version"]}
    assert own["fsdp_cpu_ram_efficient_loading"] is True
    assert needs_accelerate(wanted)
    assert not needs_accelerate(recipe(processes=1, strategy="fsdp2"))


def test_a_run_that_resumes_in_one_process_keeps_no_settings_of_several(tmp_path: Path) -> None:
    write_launch_files(tmp_path, recipe(processes=2), {})
    write_launch_files(tmp_path, recipe(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["launch.sh"]
