"""Starts and ends Axolotl's trainer, without the libraries that training never uses: `python -m trainer axolotl.yaml`.

`axolotl train axolotl.yaml` does the same. transformers imports scikit-learn for the metrics of assisted decoding and
GLUE, and SciPy for the losses of object detection; it and accelerate import DeepSpeed where it is installed, used or
not. Marked as missing, these libraries are not imported. Axolotl imports wandb in any case, so an empty module takes
its place where a run does not use it.
"""

import atexit
import gc
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import yaml

from trainer.no_room import find_status

UNUSED = ("sklearn", "scipy", "deepspeed")
ENGINE = ("axolotl.cli.train", "axolotl.train", "axolotl.core.builders", "axolotl.utils.data", "axolotl.utils.trainer")


def hide_unused(config: Path) -> None:
    """Keep libraries that training by this configuration does not call from being imported."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    hide(UNUSED[:1] if settings.get("deepspeed") else UNUSED)
    if not any(key.endswith("wandb") or key.startswith("wandb_") for key in settings):
        _stand_in_for_wandb()


def hide(names: Sequence[str]) -> None:
    """Mark libraries as missing: the import system reads None as "not there"."""
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]


def _stand_in_for_wandb() -> None:
    """What trainers look at before they log to it: that there is no run."""
    name = "wandb"
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module)["run"] = None
    sys.modules[name] = module


def load_engine(names: Sequence[str] = ENGINE) -> None:
    """Import Axolotl without garbage collection: imports make no garbage, and the search takes a fifth of the time."""
    gc.disable()
    for name in names:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()


def leave() -> NoReturn:
    """Run the registered exit functions and end the process, without tearing the interpreter down."""
    atexit._run_exitfuncs()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def leave_without_room(error: Exception) -> None:
    """End a rank that cannot write with a status that says so; return where something else is the matter."""
    if "LOCAL_RANK" in os.environ and (status := find_status(error)):
        with suppress(OSError):
            traceback.print_exception(error)
        os._exit(status)


if __name__ == "__main__":
    hide_unused(Path(sys.argv[1]))
    load_engine()
    from axolotl.cli.train import do_cli

    try:
        do_cli(sys.argv[1])
    except Exception as error:
        leave_without_room(error)
        raise
    leave()
