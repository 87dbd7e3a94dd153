"""A progress line on a terminal: the share that is done and the time that is left. Elsewhere it writes nothing."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

BAR_CHARS = 20


class ProgressLine:
    """A line redrawn in place, at most ten times a second."""

    def __init__(self, label: str, stream: TextIO = sys.stderr) -> None:
        self.label = label
        self.stream = stream
        self.started = time.monotonic()
        self.first: float | None = None
        self.drawn = 0.0

    def draw(self, done: int, total: int, note: str = "", share: float | None = None) -> None:
        """Draw `done` of `total`; the time left is estimated from the progress since the first call.

        `share` is the share of the work that is done, where the items that are not done yet have been begun.
        """
        now = time.monotonic()
        if not self.stream.isatty() or now - self.drawn < 0.1:
            return
        share = done / max(total, 1) if share is None else share
        if self.first is None:
            self.first, self.started = share, now
        self.drawn = now
        filled = int(round(BAR_CHARS * share, 6))  # 20 times 0.35 may be a little less than 7
        bar = "#" * filled + "-" * (BAR_CHARS - filled)
        line = f"{self.label:<9} [{bar}] {done}/{total}{note}{self._left(share, now)}"
        self.stream.write(f"\r\x1b[2K{line[:79]}")
        self.stream.flush()

    def wait(self, what: str) -> None:
        """Draw the name of a step whose length is not known, and the seconds that it has run."""
        now = time.monotonic()
        if self.stream.isatty() and now - self.drawn >= 0.1:
            self.drawn = now
            self.stream.write(f"\r\x1b[2K{self.label:<9} {what} {now - self.started:.0f} s"[:84])
            self.stream.flush()

    def follow(self, fact: Mapping[str, Any]) -> None:
        """Draw another process's progress report: a bar in the phase that the label names, else the phase's name."""
        if fact.get("phase") == self.label:
            loss = f"  loss {fact['loss']:.3f}" if fact.get("loss") is not None else ""
            self.draw(int(fact["step"]), int(fact["steps"]), loss)
        else:
            self.wait(str(fact.get("phase", "loading the engine")))

    def clear(self) -> None:
        """Leave an empty line behind."""
        if self.stream.isatty():
            self.stream.write("\r\x1b[2K")
            self.stream.flush()

    def _left(self, share: float, now: float) -> str:
        if self.first is None or share <= self.first:
            return ""
        return f"  {format_seconds((now - self.started) / (share - self.first) * (1 - share))} left"


def format_seconds(seconds: float) -> str:
    """`7 s`, `3:05`, `2:10:00`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
