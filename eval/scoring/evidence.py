"""Proof that a tuned model is another model than its base: its weights, its answers, its likelihoods.

    Evidence(acting=Acting(kind="adapter", modules=28, …), rows=577, answers_changed=571,
             likelihoods=LikelihoodShift(rows=8, moved=8, median=1.2, largest=3.4))

An adapter that does nothing answers as its base does, and every figure is then a tie. Such an evaluation is refused.
"""

from collections.abc import Sequence
from statistics import median

from recipebook.frozen import Frozen
from recipebook.run.acting import Acting

# In nats a token. Float32 rounds a log-probability of a whole answer by a tenth of this.
MOVED = 1e-5
# One text's log-probability, and its number of tokens.
Measured = tuple[float, int]


class LikelihoodShift(Frozen):
    """By how many nats a token the likelihood of given answers differs between the tuned model and its base."""

    rows: int
    moved: int
    median: float
    largest: float


class Evidence(Frozen):
    """How a tuned model differs from its base, as far as it was measured."""

    acting: Acting | None
    """Its weights; None where they cannot be compared, and for a vote."""
    rows: int
    answers_changed: int | None
    """None where nothing was generated."""
    likelihoods: LikelihoodShift | None
    """Of all rows where a metric measures them, else of some; None where the answers' engine measures none."""


def measure_shift(before: Sequence[Sequence[Measured]], after: Sequence[Sequence[Measured]]) -> LikelihoodShift | None:
    """Compare the likelihoods of each row's texts; a row moves as much as its text that moves most."""
    shifts = [
        max(abs(one - other) / tokens for (one, tokens), (other, _) in zip(base, tuned, strict=True) if tokens)
        for base, tuned in zip(before, after, strict=True)
        if any(tokens for _, tokens in base)
    ]
    if not shifts:
        return None
    moved = sum(shift > MOVED for shift in shifts)
    return LikelihoodShift(rows=len(shifts), moved=moved, median=median(shifts), largest=max(shifts))


def find_no_effect(evidence: Evidence) -> str | None:
    """Why the outputs prove that the tuned model does nothing; None where they show that it does, or may."""
    shift, acting = evidence.likelihoods, evidence.acting
    if evidence.answers_changed or (shift and shift.moved):
        return None
    whole = acting is not None and acting.kind == "model"
    if evidence.answers_changed == 0 and shift is None and whole:
        # Its weights are others, and nobody measured by how much that moves its likelihoods.
        return None
    weights = f"its weights differ from the base's at {acting.active} modules, but " if acting else ""
    answers = f"none of {evidence.rows} answers changed" if evidence.answers_changed == 0 else ""
    moved = f"no likelihood of {shift.rows} given answers moved by {MOVED:.5f} nats a token" if shift else ""
    return f"the tuned model changes nothing: {weights}{' and '.join(filter(None, (answers, moved)))}"
