"""How near two texts are in meaning: an answer and its reference in, the cosine of their sentence embeddings out.

    {"prediction": "The lights are on now.", "reference": "I turned on the lights."}
    → {"embedding_similarity": 0.8}

    embedding_similarity    a · r / (|a| |r|), with the embeddings a of the answer and r of the reference

The model is all-MiniLM-L6-v2 unless another one is named; figures of different models are not comparable. An empty
answer scores 0, unless the reference is empty, too: the model would place it by its marks for start and end alone,
somewhere near everything, and saying nothing would earn more than a wrong answer.
"""

from collections.abc import Sequence

from pydantic import Field

from eval.reading.embeddings import embed
from eval.scoring.predictions import Prediction
from recipebook.frozen import Frozen

FIGURES = {"embedding_similarity": "how near the answer is to the reference in meaning: cosine of their embeddings"}
BINARY = frozenset[str]()
# A cosine may be negative.
MORE_IS_BETTER = frozenset(FIGURES)


class Options(Frozen):
    """What a recipe may set."""

    model: str | None = Field(
        None, min_length=1, description="a sentence-transformers model, folder or hub name; default: all-MiniLM-L6-v2"
    )


def score(predictions: Sequence[Prediction], options: Options) -> list[dict[str, float | None]]:
    """Score all answers together, in order: every different text is embedded once."""
    texts = [item.prediction for item in predictions] + [item.reference for item in predictions]
    vectors = embed(texts, options.model)
    answers, references = vectors[: len(predictions)], vectors[len(predictions) :]
    # Beyond six digits there is the noise of 32-bit floats, which leaves the cosine of a text with itself off 1.
    cosines = (answers * references).sum(axis=1).round(6).tolist()
    return [{"embedding_similarity": _judge(item, cosine)} for item, cosine in zip(predictions, cosines, strict=True)]


def _judge(item: Prediction, cosine: float) -> float:
    empty = not item.prediction.strip(), not item.reference.strip()
    return float(all(empty)) if any(empty) else cosine
