"""What two models answered: the answers of base and tuned model to the same prompts, and the evidence that they differ.

    ModelAnswer(text="robot.stop()", new_tokens=5, measures={"answer": -0.31, "answer_tokens": 5})

Measures are log-probabilities of given texts, and the numbers of their tokens.
"""

from dataclasses import dataclass, field

from eval.scoring.evidence import Evidence

Measures = dict[str, float]


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer to one prompt, and what was measured of the given answers."""

    text: str = ""
    new_tokens: int = 0
    truncated: bool = False
    measures: Measures | None = None


@dataclass(frozen=True)
class Answers:
    """The answers of both models, in the prompts' order; `references` are the given answers as training writes them."""

    engine: str
    """The library that generated: vllm or transformers; empty where only likelihoods were measured."""
    references: list[str]
    tuned: list[ModelAnswer]
    base: list[ModelAnswer]
    evidence: Evidence
    baselines: dict[str, list[str]] = field(default_factory=dict)
    """The answers of each baseline that the recipe names."""
    lengths: tuple[str, ...] = ()
    """Lines on prompts that are too long for the model."""
