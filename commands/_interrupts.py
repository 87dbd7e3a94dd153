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
    signal.signal(signal.SIGINT, _answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if _take_waiting():
            # The command ended before the next look.
            raise KeyboardInterrupt


def _answer(number: int, frame: FrameType | None) -> None:
    """Interrupt the command, or look again soon where it is importing."""
    while frame:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            # Only now: the alarm may be another's, as of a test that must not take too long.
            signal.signal(signal.SIGALRM, _answer)
            signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS)
            return
        frame = frame.f_back
    _take_waiting()
    raise KeyboardInterrupt


def _take_waiting() -> bool:
    """Whether an interrupt was waiting for an import to end; it waits no longer."""
    if signal.getsignal(signal.SIGALRM) is not _answer:
        return False
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return True
