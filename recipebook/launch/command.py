"""A recipe to the command that trains it in the run's folder, and the environment that the command gets."""

import os
import sys
from pathlib import Path

from recipebook.hardware import detect, name_gpus
from recipebook.launch.meeting import name_interface, read_meeting
from recipebook.launch.render import deepspeed_strategy
from recipebook.launch.script import SCRIPT, TRAINER, needs_accelerate
from recipebook.launch.slurm import GRACE_SECONDS
from recipebook.project import INSTALLATION, PROJECT, VARIABLE
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe


def build_command(recipe: Recipe) -> list[str]:
    """The command that trains the recipe; it is run in the run's folder."""
    if recipe.remote:
        return [sys.executable, "-m", "recipebook.remote.job"]
    return ["bash", SCRIPT] if needs_accelerate(recipe) else [sys.executable, *TRAINER]


def build_environment(recipe: Recipe) -> dict[str, str]:
    """The variables that are set for the trainer, on top of the user's own environment."""
    environment = {
        # Otherwise Axolotl saves tokenised rows with several processes, each of which imports everything anew.
        "AXOLOTL_DATASET_NUM_PROC": "0",
        "AXOLOTL_DO_NOT_TRACK": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(INSTALLATION),
        VARIABLE: str(PROJECT),
        "TENSORBOARD_LOGGING_DIR": "tensorboard",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if isinstance(find_base(recipe), Path):
        environment["HF_HUB_OFFLINE"] = "1"
    if recipe.launch.processes > 1 and not detect().gpu:
        environment["OMP_NUM_THREADS"] = str(max(1, detect().cores // recipe.launch.processes))
    if needs_accelerate(recipe):
        # A job that SLURM ends has each of its processes signalled, and the launcher would kill its ranks 30 s later.
        environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = str(GRACE_SECONDS)
    if len(name_gpus()) > recipe.launch.processes:
        # One process that sees several GPUs would split each batch over them.
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(name_gpus()[: recipe.launch.processes])
    if detect().gpu:
        # CUDA itself would count from the fastest GPU on, and nvidia-smi counts by their places.
        environment["CUDA_DEVICE_ORDER"] = os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    else:
        # Threads that spin while they wait take the cores from whatever else runs: two trainings on two cores were
        # seven times slower. The same sums come out, and a training alone takes about a tenth longer.
        environment["OMP_WAIT_POLICY"] = os.environ.get("OMP_WAIT_POLICY", "PASSIVE")
        environment |= _choose_device(recipe)
    if meeting := read_meeting(recipe):
        environment |= {"MACHINE_RANK": str(meeting.rank), "MAIN": f"{meeting.host}:{meeting.port}"}
        interface = os.environ.get("GLOO_SOCKET_IFNAME") or name_interface(meeting)
        environment |= {"GLOO_SOCKET_IFNAME": interface} if interface else {}
    return environment


def _choose_device(recipe: Recipe) -> dict[str, str]:
    """The variables that make the trainer use the device that the recipe wants where there is no NVIDIA GPU."""
    if recipe.launch.device == "mps":
        # What torch cannot do on an Apple GPU is computed on the processor.
        return {"PYTORCH_ENABLE_MPS_FALLBACK": "1"}
    # With ACCELERATE_USE_CPU, accelerate silently switches DeepSpeed off.
    return {"DS_ACCELERATOR": "cpu"} if deepspeed_strategy(recipe) else {"ACCELERATE_USE_CPU": "true"}
