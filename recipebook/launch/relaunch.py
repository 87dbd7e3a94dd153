"""A run that resumes with other processes than it began with, or with other batches: its files for them.

The records of a step stay, and each process takes another share of them. Only what the launch decides is written anew.
"""

from pathlib import Path
from typing import Any

import yaml

from recipebook import hardware
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.launch.render import Inputs, render_axolotl, render_deepspeed
from recipebook.project import shown
from recipebook.recipe.keys import Launch, Recipe
from recipebook.run.resolved import read_mapping, read_resolved
from recipebook.run.rundir import Run

# What the launch decides in axolotl.yaml.
KEYS = (
    "micro_batch_size", "gradient_accumulation_steps", "gradient_checkpointing", "deepspeed", "fsdp_version",
    "fsdp_config", "bf16", "fp16", "sdpa_varlen", "ddp_timeout",
)  # fmt: skip
LAUNCH = {"processes", "machines", "strategy", "offload"}
# Strategies whose checkpoints are whole, and alike: trainer/whole_checkpoints.py.
WHOLE = {"data-parallel", "fsdp2"}


def describe_launch(launch: Launch) -> dict[str, Any]:
    """What a manifest has of it: `{"processes": 2, "machines": 1, "strategy": "zero2", "offload": None}`."""
    return launch.model_dump(include=LAUNCH)


def read_launch(folder: Path) -> Launch:
    """The launch that a run's files were written for."""
    return Launch.model_validate(read_resolved(folder).get("launch", {}))


def refuse_half_resume(run: Run, launch: Launch) -> None:
    """Raise if the launch cannot read the newest checkpoint's optimizer.

    The engine would train on with a new optimizer, and with the learning rate of the first step, without a word.
    """
    checkpoints, wrote = run.checkpoints(), read_launch(run.folder)
    same = describe_launch(wrote) == describe_launch(launch)
    if not checkpoints or same or {wrote.strategy, launch.strategy} <= WHOLE:
        return
    machines = f" launch.machines={wrote.machines}" if wrote.machines > 1 else ""
    offload = f" launch.offload={wrote.offload or 'null'}" if wrote.offload != launch.offload else ""
    raise UserError(
        f"{shown(run.folder)}: {checkpoints[-1].name} was written by {_format_launch(wrote)}, and cannot be resumed by "
        f"{_format_launch(launch)}; GPUS={wrote.processes} SET='launch.strategy={wrote.strategy}{machines}{offload}' "
        "resumes it, FORCE=1 trains anew"
    )


def rewrite_launch(folder: Path, recipe: Recipe) -> bool:
    """Write `axolotl.yaml` and `deepspeed.json` for a settled recipe's launch; every other key stays as it was.

    Whether that changed anything.
    """
    gpu, bf16 = hardware.detect().gpu, hardware.computes_bf16()
    path = folder / "axolotl.yaml"
    nothing = Inputs(train="", validation=None, prepared="")
    wanted = yaml.safe_load(render_axolotl(recipe, nothing, gpu=gpu, bf16=bf16))
    before = read_mapping(path)
    kept = {key: value for key, value in before.items() if key not in KEYS or key in wanted}
    config = kept | {key: wanted[key] for key in KEYS if key in wanted}
    shared, deepspeed = folder / "deepspeed.json", render_deepspeed(recipe, gpu=gpu)
    if config == before and deepspeed == (shared.read_text(encoding="utf-8") if shared.is_file() else None):
        return False
    write_text(path, yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120))
    if deepspeed:
        write_text(shared, deepspeed)
    else:
        shared.unlink(missing_ok=True)
    return True


def _format_launch(launch: Launch) -> str:
    """`zero2 on 2 processes`, `zero3 with launch.offload: weights on 8 processes`"""
    offload = f" with launch.offload: {launch.offload}" if launch.offload else ""
    return f"{launch.strategy}{offload} on {launch.ranks} process{'es' if launch.ranks > 1 else ''}"
