"""A progress line on a terminal: the share that is done and the time that is left. Elsewhere it writes nothing."""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from recipebook.terminal import find_plain

BAR_CHARS, LEAST_BAR = 20, 6
COLUMNS = 79
# Figures of a training as a trainer reports them: the key, what is drawn before it, and its form.
FIGURES = (("loss", "loss", ".3f"), ("validation_loss", "val", ".3f"), ("learning_rate", "lr", ".1e"))


class ProgressLine:
    """A line redrawn in place, at most ten times a second."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self.label = label
        self.stream = stream or find_plain(sys.stderr)
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
        rest = f"{done}/{total}{note}{self._left(share, now)}"
        chars = max(LEAST_BAR, min(BAR_CHARS, COLUMNS - len(f"{self.label:<9} [] {rest}")))
        filled = int(round(chars * share, 6))  # 20 times 0.35 may be a little less than 7
        line = f"{self.label:<9} [{'#' * filled}{'-' * (chars - filled)}] {rest}"
        self.stream.write(f"\r\x1b[2K{line[:COLUMNS]}")
        self.stream.flush()

    def wait(self, what: str) -> None:
        """Draw the name of a step whose length is not known, and the seconds that it has run."""
        now = time.monotonic()
        if self.stream.isatty() and now - self.drawn >= 0.1:
            self.drawn = now
            line = f"{self.label:<9} {what} {now - self.started:.0f} s"
            self.stream.write(f"\r\x1b[2K{line[:COLUMNS]}")
            self.stream.flush()

    def follow(self, fact: Mapping[str, Any]) -> None:
        """Draw another process's progress report: a bar in the phase that the label names, else the phase's name."""
        if fact.get("phase") == self.label:
            figures = [f"  {name} {fact[key]:{form}}" for key, name, form in FIGURES if fact.get(key) is not None]
            self.draw(int(fact["step"]), int(fact["steps"]), "".join(figures))
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
    """`<1 s`, `7 s`, `3:05`, `2:10:00`."""
    whole = round(seconds)
    if not whole and seconds > 0:
        return "<1 s"
    if whole < 60:
        return f"{whole} s"
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
