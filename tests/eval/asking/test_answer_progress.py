"""The progress of answering: it moves within a batch, and the time left stays believable from the first token on."""

import io

import pytest

from eval.asking.answer_progress import AnswerProgress
from recipebook.playing.decode import DecodingProgress
from recipebook.progress import ProgressLine


class Terminal(io.StringIO):
    """Keeps what is drawn."""

    def isatty(self) -> bool:
        return True

    def drawn(self) -> list[str]:
        return [line.rstrip() for line in self.getvalue().split("\r\x1b[2K")[1:]]


def test_the_line_moves_with_tokens_and_learns_how_long_answers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("recipebook.progress.time.monotonic", lambda: now[0])
    progress = AnswerProgress("base", [40] * 4, longest_answer=60, room=2)
    progress.line = ProgressLine("base", terminal := Terminal())
    # Two prompts at a time, ten tokens a second: 80 tokens are read, and answers have 10 tokens.
    steps = [(1.0, 0, 0), (9.0, 0, 80), (10.0, 1, 90), (11.0, 2, 100), (20.0, 3, 190)]
    for seconds, ended, tokens in steps:
        now[0] = seconds
        progress.draw(DecodingProgress(ended, 10 * ended, tokens))
    assert terminal.drawn() == [
        "base      [--------------------] 0/4",
        "base      [####----------------] 0/4  32 s left",
        "base      [####----------------] 1/4  31 s left",
        "base      [##########----------] 2/4  10 s left",
        "base      [###################-] 3/4  1 s left",
    ]
