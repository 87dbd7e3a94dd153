"""Ctrl-C at any moment of a command: one line, `stopped`, and status 130.

Libraries in Rust panic where an import that they make is interrupted, and others are left half imported; so a command
that is importing ends at once, and any other gets a KeyboardInterrupt and may tidy up.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130
LINE = "stopped"
_IMPORTING = "<frozen importlib"


@contextmanager
def answering_interrupts() -> Iterator[None]:
    """Answer Ctrl-C inside; under `nohup`, or in the background of a script, it is ignored and stays so."""
    before = signal.getsignal(signal.SIGINT)
    if before not in (signal.default_int_handler, signal.SIG_DFL):
        yield
        return
    signal.signal(signal.SIGINT, _answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _answer(number: int, frame: FrameType | None) -> None:
    while frame:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            os.write(2, f"{LINE}\n".encode())
            os._exit(STOPPED)
        frame = frame.f_back
    raise KeyboardInterrupt
