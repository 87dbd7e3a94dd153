"""What a recipe may set under `generate_pairs`: its section in, checked options out.

Options.model_validate({"metric": "toolformer", "answers": 4}).max_pairs_per_example → 1
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from recipebook.data.split import Part
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from stages._scores import check_metric

Positive = Annotated[int, Field(gt=0)]


class Options(Frozen):
    """What a recipe may set."""

    answers: Annotated[int, Field(ge=0)] = Field(
        8, description="answers sampled for each prompt; 0: pairs by rules alone, no model is loaded."
    )
    temperature: Annotated[float, Field(gt=0)] = Field(
        1.0, description="of the sampled answers. Raise it if they are all the same."
    )
    top_p: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="share of the probability that is sampled from. Lower it if answers are garbled."
    )
    max_new_tokens: Positive = Field(128, description="the longest answer. Raise it if many are cut off.")
    batch_size: Positive = Field(64, description="answers sampled at a time. Lower it when memory is short.")
    parts: tuple[Part, ...] = Field(
        ("train",), description="the rows that are prompts. Name all three to evaluate on pairs."
    )
    limit: Positive | None = Field(None, description="only the first rows of each part. Set it for a quick try.")
    metric: str = Field(description="a module of eval/metrics/ that scores an answer against the row's own.")
    metric_options: dict[str, Any] = Field(
        default_factory=dict, description="the metric's own options: see metrics.md."
    )
    figures: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description="the metric's figures with their weights in the score, a mean of those defined; empty: its first.",
    )
    chosen: Literal["either", "sampled", "reference"] = Field(
        "either", description="what may be chosen: the row's own answer, a sampled one, or whichever is better."
    )
    synthetic: bool = Field(
        True,
        description="rules make worse answers where sampling gives too few. Switch it off for the model's own only.",
    )
    tools: Path | None = Field(None, description="a file of calls that may be mistaken for each other. Rules use it.")
    strength: Literal["difference", "ratio"] = Field(
        "difference",
        description="what the threshold compares: chosen - rejected, or (chosen - rejected) / (chosen + rejected).",
    )
    threshold: Annotated[float, Field(ge=0)] = Field(
        0.1, description="weaker pairs are dropped. Raise it for fewer, clearer pairs."
    )
    min_pairs_per_example: Positive = Field(1, description="prompts with fewer pairs give none at all.")
    max_pairs_per_example: Positive = Field(1, description="the strongest pairs of a prompt. Raise it for more rows.")

    @model_validator(mode="after")
    def _can_make_pairs(self) -> Self:
        if not self.answers and not self.synthetic:
            raise ValueError("answers is 0 and synthetic is off, so there is nothing to make pairs of")
        if not self.answers and self.chosen == "sampled":
            raise ValueError("chosen is sampled, and answers is 0")
        if self.max_pairs_per_example < self.min_pairs_per_example:
            raise ValueError("max_pairs_per_example is less than min_pairs_per_example")
        try:
            check_metric(self.metric, self.metric_options, self.figures)
        except UserError as error:
            raise ValueError(str(error)) from None
        return self
