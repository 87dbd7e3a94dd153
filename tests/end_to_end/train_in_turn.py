"""For tests: trains in each of the folders as `python -m trainer axolotl.yaml` does there, importing Axolotl once."""

import os
import sys
from pathlib import Path

from trainer.__main__ import hide_unused, load_engine


def train_in_turn(folders: list[Path]) -> None:
    """A child for each folder, its words in train.log; the first that fails ends it all."""
    hide_unused(folders[0] / "axolotl.yaml")
    load_engine()
    for folder in folders:
        child = os.fork()
        if not child:
            _train(folder)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"{folder}: {(folder / 'train.log').read_text()[-3000:]}")


def _train(folder: Path) -> None:
    from axolotl.cli.train import do_cli

    os.chdir(folder)
    with Path("train.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    status = 1
    try:
        do_cli("axolotl.yaml")
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    train_in_turn([Path(name) for name in sys.argv[1:]])
