"""A process that has imported Axolotl once and trains each run that it receives in a child process.

    python -m trainer.resident 3        (3: the descriptor of a socket to the scheduler)

In: a packet a run, `{"folder": "/…/runs/traits/joy_plus-20261121-093000"}`, with the descriptor that holds the run.
Out: packets `{"pid": 4711}` when its child is there and `{"code": 0}` when it has ended (-9: killed by SIGKILL).

The child is a fork, so libraries are there without being read again, and what it does, leaks or breaks touches no
other. In the run's folder it does what `python -m trainer axolotl.yaml` does there. The parent then imports the modules
that the first child had to import, for all others. Nothing is computed here: a fork has no threads but its own, and one
made after torch's had started would wait for them for ever.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from recipebook.locks import die_with_parent
from trainer.__main__ import UNUSED, hide, leave, load_engine

PACKET = 1 << 16


def serve(control: socket.socket) -> None:
    """Train run after run until the scheduler closes its end, which its death does too."""
    resident, warm = os.getpid(), False
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, PACKET, 1)
        if not packet:
            return
        folder = Path(json.loads(packet)["folder"])
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            control.close()
            _train(folder, writing, resident)
        os.close(writing)
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(json.dumps({"pid": child}).encode())
        names = _read_all(reading)
        _, status = os.waitpid(child, 0)
        if names and not warm:
            import_quietly(names.decode().split())
            build_tables()
            warm = True
        control.send(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())


def import_quietly(names: list[str]) -> None:
    """Import the modules that a child had to import; one that cannot be imported here is left to the children."""
    gc.disable()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):  # noqa: PTH123
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.freeze()
    gc.enable()


def build_tables() -> None:
    """Build the table of patterns that transformers builds when it loads its first model, the same for all models."""
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    get_checkpoint_conversion_mapping("llama")  # type: ignore[no-untyped-call]


def _train(folder: Path, writing: int, resident: int) -> NoReturn:
    """Be the trainer of one run, and never return."""
    die_with_parent(resident)
    os.setsid()
    _point_streams(folder / "train.log")
    os.chdir(folder)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.argv = ["trainer", "axolotl.yaml"]
    before = set(sys.modules)
    try:
        from axolotl.cli.train import do_cli

        do_cli("axolotl.yaml")
        os.write(writing, " ".join(_list_importable(before)).encode())
    except SystemExit as end:
        os._exit(_flush(end.code if isinstance(end.code, int) else int(end.code is not None)))
    except BaseException:
        traceback.print_exc()
        os._exit(_flush(1))
    leave()


def _point_streams(log: Path) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor, stands_for in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(descriptor, stands_for)


def _list_importable(before: set[str]) -> list[str]:
    """The modules that this run imported, in their order, without those that code created."""
    return [
        name
        for name, module in list(sys.modules.items())
        if name not in before and getattr(module, "__spec__", None) and "\n" not in name and " " not in name
    ]


def _read_all(descriptor: int) -> bytes:
    """All that the child writes; the pipe ends when the child does, or shortly before."""
    with open(descriptor, "rb") as pipe:
        return pipe.read()


def _flush(code: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    """Load the engine and serve."""
    # It notices the scheduler's end by the socket only between two runs.
    die_with_parent(os.getppid())
    # SLURM signals every process of a job, and the child in training is to save a checkpoint.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    hide(UNUSED)
    load_engine()
    serve(control)


if __name__ == "__main__":
    main()
