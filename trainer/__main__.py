"""Starts and ends Axolotl's trainer, without the libraries that training never uses: `python -m trainer axolotl.yaml`.

`axolotl train axolotl.yaml` does the same. transformers imports scikit-learn, and SciPy with it, for the metrics of
assisted decoding and of GLUE; it and accelerate import DeepSpeed where it is installed, used or not. Marked as
missing, these libraries are not imported.
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
from pathlib import Path
from typing import NoReturn

import yaml

from trainer.no_room import find_status

ENGINE = ("axolotl.cli.train", "axolotl.train", "axolotl.core.builders", "axolotl.utils.data", "axolotl.utils.trainer")


def list_unused(config: Path) -> list[str]:
    """Libraries that training by this configuration does not call."""
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    return ["sklearn"] if settings.get("deepspeed") else ["sklearn", "deepspeed"]


def hide_unused(config: Path) -> None:
    """Keep these libraries from being imported: the import system reads None as "not there"."""
    sys.modules.update(dict.fromkeys(list_unused(config)))  # type: ignore[arg-type]


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
