"""The progress of a model that answers: tokens so far in, a line on the terminal that moves with each of them out.

    base      [#####---------------] 12/120  1:40 left

Prompts are read at about the speed at which answers are written, so the work is counted in tokens of both. Until as
many answers have ended as are written at a time, answers are expected to be as long as they may be; then, as long as
the earlier ones.
"""

from collections.abc import Sequence

from recipebook.playing.decode import DecodingProgress
from recipebook.progress import ProgressLine


class AnswerProgress:
    """A progress line over all prompts, of which `room` are answered at a time."""

    def __init__(self, label: str, prompt_lengths: Sequence[int], longest_answer: int, room: int) -> None:
        self.line = ProgressLine(label)
        self.prompts = len(prompt_lengths)
        self.prompt_tokens = sum(prompt_lengths)
        self.longest_answer = longest_answer
        self.room = room

    def draw(self, written: DecodingProgress) -> None:
        """Draw the answers that have ended, by the tokens read and written so far."""
        known = written.answers >= self.room
        expected = written.their_tokens / written.answers if known else self.longest_answer
        share = written.tokens / max(1, written.tokens, self.prompt_tokens + expected * self.prompts)
        self.line.draw(written.answers, self.prompts, share=share)

    def clear(self) -> None:
        """Leave an empty line behind."""
        self.line.clear()
