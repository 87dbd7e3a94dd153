"""The line of progress: how far, how much time is left, and nothing where nobody looks."""

import io

import pytest

from recipebook.progress import ProgressLine, format_seconds
from recipebook.terminal import clean_output


class Terminal(io.StringIO):
    """Keeps what is drawn."""

    def isatty(self) -> bool:
        return True

    def drawn(self) -> list[str]:
        return [line.rstrip() for line in self.getvalue().split("\r\x1b[2K")[1:]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    now = [100.0]
    monkeypatch.setattr("recipebook.progress.time.monotonic", lambda: now[0])
    return now


def test_the_time_left_is_judged_from_what_was_done_since_the_first_look(clock: list[float]) -> None:
    line = ProgressLine("convert", terminal := Terminal())
    for now, done in ((110.0, 20), (120.0, 40), (200.0, 70)):
        clock[0] = now
        line.draw(done, 100, " %")
    assert terminal.drawn() == [
        "convert   [####----------------] 20/100 %",
        "convert   [########------------] 40/100 %  30 s left",
        "convert   [##############------] 70/100 %  54 s left",
    ]


def test_a_terminal_that_gets_clean_text_obeys_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    with clean_output():
        ProgressLine("convert").draw(1, 4)
    assert terminal.getvalue() == "\r\x1b[2Kconvert   [#####---------------] 1/4"


def test_a_trainer_is_waited_for_until_it_trains(clock: list[float]) -> None:
    line = ProgressLine("training", terminal := Terminal())
    facts: tuple[dict[str, object], ...] = (
        {},
        {"phase": "training", "step": 5, "steps": 10, "loss": 0.25},
        {"phase": "saving", "step": 10},
    )
    for now, fact in enumerate(facts, 101):
        clock[0] = now
        line.follow(fact)
    assert terminal.drawn() == [
        "training  loading the engine 1 s",
        "training  [##########----------] 5/10  loss 0.250",
        "training  saving 1 s",
    ]


def test_learning_rate_and_validation_loss_are_drawn_and_the_line_fits_80_columns(clock: list[float]) -> None:
    line = ProgressLine("training", terminal := Terminal())
    fact = {
        "phase": "training",
        "step": 120,
        "steps": 600,
        "loss": 0.412,
        "validation_loss": 0.388,
        "learning_rate": 3e-4,
    }
    line.follow(fact)
    clock[0] = 160.0
    line.follow(fact | {"step": 240, "validation_loss": None})
    assert terminal.drawn() == [
        "training  [####----------------] 120/600  loss 0.412  val 0.388  lr 3.0e-04",
        "training  [########------------] 240/600  loss 0.412  lr 3.0e-04  3:00 left",
    ]
    clock[0] = 170.0
    line.follow(fact | {"step": 360})
    assert terminal.drawn()[2] == "training  [#######------] 360/600  loss 0.412  val 0.388  lr 3.0e-04  1:10 left"


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    line = ProgressLine("convert", stream := io.StringIO())
    line.draw(1, 2)
    line.wait("loading")
    line.clear()
    assert stream.getvalue() == ""


def test_seconds_are_whole_but_what_took_time_took_some() -> None:
    assert [format_seconds(one) for one in (0, 0.2, 0.6, 59.4, 185, 7800)] == [
        "0 s",
        "<1 s",
        "1 s",
        "59 s",
        "3:05",
        "2:10:00",
    ]
