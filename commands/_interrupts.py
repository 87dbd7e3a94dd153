"""Ctrl-C at any moment of a command: one line, `stopped`, and status 130.

Libraries in Rust panic where an import that they make is interrupted, and others are left half imported. So an import
is let finish first; the command then gets its KeyboardInterrupt, and may tidy up.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPED = 130
LINE = "stopped"
LOOK_SECONDS = 0.05
_IMPORTING = "<frozen importlib"


@contextmanager
def answering_interrupts() -> Iterator[None]:
    """Answer Ctrl-C inside; under `nohup`, or in the background of a script, it is ignored and stays so."""
    before = signal.getsignal(signal.SIGINT)
    if before not in (signal.default_int_handler, signal.SIG_DFL):
        yield
        return
    alarm = signal.signal(signal.SIGALRM, _answer)
    signal.signal(signal.SIGINT, _answer)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGALRM, alarm)


def _answer(number: int, frame: FrameType | None) -> None:
    """Interrupt the command, or look again soon where it is importing."""
    while frame:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS)
            return
        frame = frame.f_back
    raise KeyboardInterrupt
