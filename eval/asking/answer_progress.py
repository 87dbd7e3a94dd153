"""The progress of a model that answers: tokens so far in, a line on the terminal that moves with each of them out.

    base      [#####---------------] 12/120  1:40 left

Prompts are read at about the speed at which answers are written, so the work is counted in tokens of both. Until a
batch has ended, its answers are expected to be as long as they may be; then, as long as the earlier ones.
"""

from collections.abc import Sequence

from recipebook.progress import ProgressLine


class AnswerProgress:
    """A progress line over several batches of prompts."""

    def __init__(self, label: str, prompt_lengths: Sequence[int], longest_answer: int) -> None:
        self.line = ProgressLine(label)
        self.prompts = len(prompt_lengths)
        self.prompt_tokens = sum(prompt_lengths)
        self.longest_answer = longest_answer
        self.ended = 0
        self.read = 0
        self.written = 0

    def draw(self, ended: int, tokens: int) -> None:
        """Draw the answers of the present batch that have `ended`, by the `tokens` read and written for it."""
        expected = self.written / self.ended if self.ended else self.longest_answer
        work = self.read + self.written + tokens
        share = work / max(work, self.prompt_tokens + expected * self.prompts)
        self.line.draw(self.ended + ended, self.prompts, share=share)

    def end_batch(self, prompt_lengths: Sequence[int], answer_lengths: Sequence[int]) -> None:
        """Count the batch as done."""
        self.ended += len(prompt_lengths)
        self.read += sum(prompt_lengths)
        self.written += sum(answer_lengths)

    def clear(self) -> None:
        """Leave an empty line behind."""
        self.line.clear()
