"""A recipe's launch to the files that start it: `launch.sh`, and `accelerate.yaml` where accelerate starts the ranks.

    bash launch.sh                                              in the run's folder: what `make train` runs too
    MACHINE_RANK=1 MAIN=10.0.0.1:29500 bash launch.sh           on the second of two machines that share the folder

torchrun starts the same ranks where DeepSpeed is not used:
`torchrun --nnodes 2 --node-rank 1 --nproc-per-node 8 --master-addr 10.0.0.1 -m trainer axolotl.yaml`.
"""

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from recipebook.files import write_text
from recipebook.hardware import detect
from recipebook.launch.render import deepspeed_strategy, list_fsdp
from recipebook.recipe.keys import Recipe

SCRIPT, SETTINGS = "launch.sh", "accelerate.yaml"
TRAINER = ("-m", "trainer", "axolotl.yaml")
TOKENISER = ("-m", "trainer.tokenise", "axolotl.yaml")
# What the machine, or whoever places several trainings on it, may have decided already.
KEPT = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GLOO_SOCKET_IFNAME")
# Which of the machines this is, and where they meet; each launch has others.
MEETING = ("MACHINE_RANK", "MAIN")
HEAD = """\
#!/usr/bin/env bash
# Trains this run; the runner starts it by this file too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
"""


def needs_accelerate(recipe: Recipe) -> bool:
    """Whether several processes train, or one with DeepSpeed."""
    return recipe.launch.ranks > 1 or deepspeed_strategy(recipe) is not None


def write_launch_files(folder: Path, recipe: Recipe, environment: Mapping[str, str]) -> None:
    """Write them into a run's folder; a launch of one process needs no `accelerate.yaml`."""
    write_text(folder / SCRIPT, render_script(recipe, environment))
    if needs_accelerate(recipe):
        write_text(folder / SETTINGS, render_settings(recipe, gpu=detect().gpu))
    else:
        (folder / SETTINGS).unlink(missing_ok=True)


def render_settings(recipe: Recipe, *, gpu: bool) -> str:
    """The text of `accelerate.yaml`; the precision and DeepSpeed's settings are those that Axolotl sets itself.

    FSDP's are those of `axolotl.yaml`: Axolotl takes none back that accelerate's defaults have set.
    """
    deepspeed = deepspeed_strategy(recipe) is not None
    fsdp = list_fsdp(recipe, gpu=gpu)
    settings: dict[str, Any] = {
        "compute_environment": "LOCAL_MACHINE",
        # Also on processors: accelerate's own kind for those starts several processes through MPI only.
        "distributed_type": "DEEPSPEED" if deepspeed else "FSDP" if fsdp else "MULTI_GPU",
        "num_machines": recipe.launch.machines,
        "num_processes": recipe.launch.ranks,
        "machine_rank": 0,
        # Else it would start the other machines itself, through pdsh. Accelerate refuses a precision beside DeepSpeed's
        # own settings.
        **(
            {"deepspeed_config": {"deepspeed_multinode_launcher": "standard"}}
            if deepspeed
            else {"mixed_precision": "no"}
        ),
        **({"fsdp_config": {f"fsdp_{key}": value for key, value in {"version": 2, **fsdp}.items()}} if fsdp else {}),
    }
    return yaml.safe_dump(settings, sort_keys=False)


def render_script(recipe: Recipe, environment: Mapping[str, str]) -> str:
    """The text of `launch.sh`: the variables that the trainer needs, then its command."""
    exports = "".join(f"export {line}\n" for line in _list_exports(environment))
    # On a processor no rank costs anything while it waits.
    first = (
        f"{shlex.quote(sys.executable)} {shlex.join(TOKENISER)}\n" if recipe.launch.ranks > 1 and detect().gpu else ""
    )
    return f"{HEAD}{exports}{first}exec {_format_command(recipe)}\n"


def _list_exports(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        if name in MEETING:
            continue
        if name == "PATH":
            yield f'PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"'
        elif name in KEPT:
            yield f'{name}="${{{name}-{value}}}"'
        else:
            yield f"{name}={shlex.quote(value)}"


def _format_command(recipe: Recipe) -> str:
    python = shlex.quote(sys.executable)
    if not needs_accelerate(recipe):
        return f"{python} {shlex.join(TRAINER)}"
    words = [f"{python} -m accelerate.commands.launch --config_file {SETTINGS}"]
    if recipe.launch.machines > 1:
        words.append('--machine_rank "$MACHINE_RANK" --main_process_ip "${MAIN%:*}" --main_process_port "${MAIN##*:}"')
    return " \\\n  ".join([*words, shlex.join(TRAINER)])
