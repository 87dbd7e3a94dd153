"""The section `eval` of a recipe: what is measured on held-out rows, and how answers are generated for it.

eval: {metrics: {robot: {}}, main: exact, slices: [category], generation: {max_new_tokens: 256}}
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from recipebook.recipe.section import Count, Name, Positive, Section, Seed, measured_in


class Generation(Section):
    """How answers are generated for evaluation: greedily, unless there is a temperature."""

    max_new_tokens: Annotated[Positive, measured_in("tokens")] = Field(
        128, description="the longest answer. Raise it when the report says that answers were cut off."
    )
    batch_size: Annotated[Positive, measured_in("rows")] = Field(
        64, description="prompts answered at a time. Lower it when memory is short."
    )
    temperature: Annotated[float, Field(ge=0), measured_in("factor")] = Field(
        0.0, description="0: always the likeliest token. Raise it to evaluate the model as you will sample from it."
    )
    top_p: Annotated[float, Field(gt=0, le=1), measured_in("share")] = Field(
        1.0,
        description="only the likeliest tokens with this share of the probability are sampled. It needs a temperature.",
    )
    samples: Annotated[Positive, measured_in("answers")] = Field(
        1,
        description="answers that are sampled for each prompt at a temperature; a row's figure is their mean. Raise it "
        "to know each row by more than one draw.",
    )
    seed: Seed = Field(
        42, description="of the sampled tokens. Change it to see how much answers vary at a temperature."
    )
    engine: Literal["auto", "transformers", "vllm"] = Field(
        "auto",
        description="auto: vLLM where it is installed and a GPU is there, else transformers. Fix it to compare with "
        "earlier evaluations.",
    )
    adapter: Literal["auto", "merged", "apart"] = Field(
        "auto",
        description="merged: the adapter is added into its base; apart: it stays beside it, as in training; auto: "
        "merged in float32, apart in 16 bits, where digits would be lost. MODE= sets it, to see that both agree.",
    )

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and not self.temperature:
            raise ValueError(f"samples: {self.samples} answers at temperature 0 are all the same; set a temperature")
        return self

    def describe(self, *without: str) -> str:
        """The settings as JSON, without some of them; one answer to a prompt goes without saying."""
        return self.model_dump_json(exclude={*without, *(("samples",) if self.samples == 1 else ())})


class FewShot(Section):
    """The base model with a system text and examples from train before each prompt."""

    shots: Annotated[Count, measured_in("rows")] = Field(
        5, description="examples that are drawn from train. Raise it as far as the base's context allows."
    )
    system: str | None = Field(
        None, description="a text for the system turn, behind that of the row. Describe the task and its form in it."
    )
    seed: Seed = Field(42, description="of the draw of examples. Change it to see how much the examples decide.")


class Baselines(Section):
    """What tuning is to be better than, besides the bare base."""

    few_shot: FewShot | None = Field(None, description="the base with examples. Set it to know if prompting is enough.")
    nearest: bool = Field(
        False, description="the answer of the most similar train row. Switch it on where test rows resemble train rows."
    )
    majority: bool = Field(
        False, description="the most frequent answer of train. Switch it on where few answers are frequent."
    )


class Published(Section):
    """Figures from elsewhere, which are shown beside ours and never tested against."""

    source: Name = Field(description="where the figures were published, and under which conditions.")
    figures: dict[Name, Annotated[float, measured_in("the figure's own")]] = Field(
        min_length=1, description="the figures, by the names that they have here."
    )


class Evaluation(Section):
    """What is measured on held-out data."""

    metrics: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="modules of eval/metrics/, each with its own options: see metrics.md. Choose those that fit the "
        "task.",
    )
    main: str | None = Field(
        None,
        description="the figure that headlines tables; null: the first metric's first. Set it to what you optimise.",
    )
    slices: tuple[Name, ...] = Field(
        (), description="fields of a row's meta by which results are broken down. Set it to find the weak kinds."
    )
    part: Literal["test", "validation"] = Field(
        "test", description="the held-out rows that are evaluated. Use validation while you still tune, and test once."
    )
    turns: Annotated[str, StringConstraints(pattern=r"^(last|all|skip_first_\d+)$")] = Field(
        "last",
        description="the assistant turns of a dialogue that are evaluated: last, all, or skip_first_N. Use all where "
        "every turn is trained.",
    )
    unit: tuple[Name, ...] = Field(
        (),
        description="fields of meta that identify rows that belong together, in intervals and tests; empty: rows whose "
        "records agree in data.split.by. Set it where rows share more, else intervals are too narrow.",
    )
    baselines: Baselines = Field(
        Baselines(),
        description="answers without training. The verdict is against the strongest; metrics of likelihoods have none.",
    )
    placebo: Literal["shuffled"] | None = Field(
        None,
        description="a second training, on train's answers shuffled among its prompts, which tuning has to beat, too. "
        "Set it to tell what was learned of the content from what was learned of the answers' form.",
    )
    published: Published | None = Field(
        None, description="figures from elsewhere. Set it to have them beside yours; rows and conditions may differ."
    )
    generation: Generation = Field(Generation(), description="how answers are generated.")
    variants: Name | None = Field(
        None,
        description="a YAML file with variants of the prompt, by name; each row is answered under every one. Set it to "
        "know how much the figures depend on the wording: see evaluation.md.",
    )
    limit: Annotated[Positive, measured_in("rows")] | None = Field(
        None,
        description="the most rows that are evaluated: whole records, drawn by a hash, the same ones each time. Set it "
        "where evaluation takes too long; results under different limits are not comparable.",
    )
    seed: Seed = Field(
        42,
        description="of the draws by which the leaderboard estimates what the best gains by being chosen. There is no "
        "need to change it.",
    )
