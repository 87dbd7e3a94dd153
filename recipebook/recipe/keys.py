"""The recipe: what a user may write in `recipes/*.yaml`, key by key.

    description: robot commands in plain English to calls of the robot's API
    model: {base: codellama/CodeLlama-7b-Python-hf, chat_template: instruct}
    data:  {source: samples/robot.json, converter: robot, split: {by: [input]}}
    training: {method: sft, epochs: 3, batch_size: 4, learning_rate: 1e-4}
    lora:  {r: 32, alpha: 64}
    eval:  {metrics: {robot: {}}, main: exact}

Every model is frozen and refuses keys that it does not know. No `lora` section means full fine-tuning.
The keys of `matrix` are in matrix_keys.py.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from recipebook.recipe.matrix_keys import Matrix
from recipebook.recipe.section import Name, Positive, Section, Share

# In place of a converter's name: the records choose it.
AUTO = "auto"


class Model(Section):
    """The model that training starts from."""

    base: Name = Field(description="a folder, or a model's name on the hub")
    revision: str | None = Field(None, description="a commit, branch or tag on the hub")
    chat_template: Name = Field(
        "tokenizer", description="a file of templates/chat without its ending, or `tokenizer` for the base's own"
    )


class Split(Section):
    """How records are parted. Records that agree in `by` stay together, so no test input is ever trained on."""

    validation: Share = Field(0.1, description="share of the records, by hash: adding records moves none")
    test: Share = 0.1
    by: tuple[Name, ...] = Field((), description="fields of the raw record that tell its origin; empty: the whole")
    file: Name | None = Field(
        None,
        description="a JSON file that lists, for each value of the one field in `by`, train, val and test; no shares",
    )
    seed: int = 42

    @model_validator(mode="after")
    def _can_read_lists(self) -> Self:
        if self.file is not None and len(self.by) != 1:
            raise ValueError("file needs by to be the one field whose values it has lists for, such as [persona_id]")
        return self


class Weights(Section):
    """How often train rows of a kind are seen: `{field: category, values: {chained_complex: 2.5}}`."""

    field: Name = Field(description="a field of the rows' meta")
    values: dict[str, Annotated[float, Field(ge=0)]] = Field(
        description="times a row is repeated; of 2.5, every row twice and half of them once more; others: once"
    )


class Only(Section):
    """The rows of some kinds alone: `{field: category, values: [movement, safety]}`."""

    field: Name = Field(description="a field of the rows' meta")
    values: tuple[Name, ...] = Field(min_length=1)


class Data(Section):
    """Where records come from and how they become rows."""

    source: Name = Field(
        description="a file, glob or folder, from the project's folder, or hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]; "
        "in a stage also stage:NAME, the rows that an earlier stage made"
    )
    validation: Name | None = Field(None, description="a source of its own for validation, instead of a share")
    test: Name | None = Field(None, description="a source of its own for test, instead of a share")
    converter: Name = Field(description="a module of converters/, or `auto`: the one that knows the first records")
    options: dict[str, Any] = Field(default_factory=dict, description="the converter's own Options")
    where: dict[Name, str | int] = Field(
        default_factory=dict, description="the records alone that have these values, such as {persona_id: persona_000}"
    )
    split: Split = Split()
    weights: Weights | None = Field(None, description="rows of some kinds more often, or less; of train alone")
    only: Only | None = Field(None, description="rows of some kinds, of train and validation; test stays whole")
    rejects: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?%?$")] | Annotated[int, Field(ge=0)] = Field(
        0, description="how many records may be rejected: a number, or a share such as 10%"
    )

    @model_validator(mode="after")
    def _can_choose_records(self) -> Self:
        """A split file counts the records of the whole source."""
        if self.where and self.split.file is not None:
            raise ValueError("where takes some records of the source, and split.file counts all of them")
        return self


class Training(Section):
    """How the model is trained; the names are the field's own, the template maps them to Axolotl's."""

    method: Name = Field("sft", description="a template: templates/<method>.yaml.j2")
    epochs: Annotated[float, Field(gt=0)] = 3
    max_steps: Positive | None = None
    batch_size: Positive = Field(4, description="rows per process and step")
    gradient_accumulation: Positive = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = "cosine"
    warmup_ratio: Share = 0.1
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    optimizer: Name = "adamw_torch"
    max_length: Positive = Field(256, description="tokens a row may have")
    too_long: Literal["raise", "truncate", "drop"] = Field("raise", description="what happens to longer rows")
    packing: bool = False
    group_by_length: bool = False
    gradient_checkpointing: bool = False
    precision: Literal["auto", "bf16", "fp16", "fp32"] = Field("auto", description="auto: bf16 on a GPU, else fp32")
    train_on: Literal["responses", "all"] = Field("responses", description="which tokens carry loss")
    span_weights: dict[Name, Annotated[float, Field(ge=0)]] | None = Field(
        None, description="the weight of a token's loss by the kind of span it is in; `fluency`: in none"
    )
    seed: int = 42
    logging_steps: Positive = 10
    eval_steps: Positive | None = Field(None, description="None: once an epoch")
    save_steps: Positive | None = Field(None, description="None: once an epoch")
    early_stopping: Positive | None = Field(
        None, description="evaluations without a better loss after which training stops, at the best checkpoint"
    )
    keep_checkpoints: Positive = 2
    workers: Annotated[int, Field(ge=0)] = Field(0, description="processes that load data")
    pin_memory: bool = False

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        """The engine compares evaluations at checkpoints, so that the best one is there to go back to."""
        if self.early_stopping and not (self.eval_steps and self.save_steps and not self.save_steps % self.eval_steps):
            raise ValueError("early_stopping needs eval_steps and save_steps, the second a multiple of the first")
        return self

    @model_validator(mode="after")
    def _can_weigh(self) -> Self:
        if self.span_weights and self.packing:
            raise ValueError("span_weights are for rows of their own: they cannot go with packing")
        if self.span_weights and not any(self.span_weights.values()):
            raise ValueError("span_weights are all 0: nothing would be learned")
        return self

    @model_validator(mode="after")
    def _has_others_to_compare(self) -> Self:
        if self.method == "kto" and self.batch_size == 1:
            raise ValueError("batch_size must be 2 or more under kto: it compares the answers of a batch")
        return self


class Preference(Section):
    """How pairs are learned; a number that the recipe's method has no use for is refused (unused_keys.py)."""

    beta: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="dpo, ipo, kto: what leaving the reference costs; simpo: scale of the reward; its paper's: 2.0",
    )
    loss: Literal["sigmoid", "hinge", "robust"] = Field("sigmoid", description="dpo; sigmoid: the paper's")
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = Field(
        0.0, description="dpo with loss robust: share of pairs that may be labelled the wrong way round"
    )
    precompute_reference: bool = Field(
        False, description="dpo, ipo: ask the reference once, before training, instead of at each step"
    )
    gamma: Annotated[float, Field(ge=0)] | None = Field(
        None, description="simpo: by how much the chosen answer's reward must be higher; its paper's: 1.0"
    )
    odds_weight: Annotated[float, Field(gt=0)] | None = Field(
        None, description="orpo: lambda, the weight of the odds ratio beside the chosen answer's loss; its paper's: 0.1"
    )
    desirable_weight: Annotated[float, Field(gt=0)] | None = Field(None, description="kto: of chosen answers; 1.0")
    undesirable_weight: Annotated[float, Field(gt=0)] | None = Field(None, description="kto: of rejected answers; 1.0")

    @model_validator(mode="after")
    def _can_smooth(self) -> Self:
        """TRL takes the number with any loss, and uses it in one."""
        if self.label_smoothing and self.loss != "robust":
            raise ValueError(f"label_smoothing needs loss to be robust: the engine ignores it under {self.loss}")
        return self


class Lora(Section):
    """The adapter; `quantize` makes it a QLoRA."""

    r: Positive = 32
    alpha: Positive = 64
    dropout: Share = 0.05
    target_modules: tuple[Name, ...] | Literal["all-linear"] = ("q_proj", "v_proj")
    quantize: Literal["4bit", "8bit"] | None = None


class Launch(Section):
    """How many processes train, and what they share."""

    processes: Positive = Field(1, description="one a GPU; on a machine without, CPU ranks")
    strategy: Literal["data-parallel", "zero1", "zero2", "zero3"] = "data-parallel"


class Remote(Section):
    """A fine-tuning service that trains in place of this machine; the rows of train are sent there, and no others."""

    service: Name = Field("together", description="a module of services/")
    model: Name | None = Field(None, description="what the service calls model.base; None: the same")
    form: Name = Field("prompt_completion", description="a module of exports/: the form in which rows are sent")
    url: Name | None = Field(None, description="where the service answers; None: its public address")
    key: Name | None = Field(None, description="the environment variable that holds the key; None: the service's")
    poll_seconds: Annotated[float, Field(gt=0)] = Field(30, description="between two looks at the job")
    stagger_seconds: Annotated[float, Field(ge=0)] = Field(5, description="at least, between two jobs' starts")


class Generation(Section):
    """How answers are generated for evaluation: greedily, unless there is a temperature."""

    max_new_tokens: Positive = 128
    batch_size: Positive = 64
    temperature: Annotated[float, Field(ge=0)] = Field(0.0, description="0: the likeliest token, always")
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 42
    engine: Literal["auto", "transformers", "vllm"] = Field(
        "auto", description="auto: vLLM where it is installed and a GPU is there, else transformers"
    )


class Evaluation(Section):
    """What is measured on held-out data."""

    metrics: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="modules of eval/metrics/, each with its own Options"
    )
    main: str | None = Field(None, description="the figure that headlines tables; None: the first metric's first")
    slices: tuple[Name, ...] = Field((), description="fields of a row's meta to break results down by")
    part: Literal["test", "validation"] = Field("test", description="the held-out rows that are asked")
    turns: Annotated[str, StringConstraints(pattern=r"^(last|all|skip_first_\d+)$")] = Field(
        "last", description="the assistant turns of a dialogue that are asked: last, all, or skip_first_N"
    )
    unit: tuple[Name, ...] = Field(
        (), description="fields of meta that tell which rows belong together, in intervals and tests; empty: the record"
    )
    generation: Generation = Generation()
    limit: Positive | None = Field(None, description="the first so many rows only")
    seed: int = 42


class Recipe(Section):
    """A whole experiment."""

    description: Name
    extends: Name | None = Field(None, description="another recipe's name; this one's keys win over its")
    model: Model
    data: Data
    training: Training = Training()
    lora: Lora | None = None
    preference: Preference = Preference()
    launch: Launch = Launch()
    remote: Remote | None = None
    eval: Evaluation = Evaluation()
    profiles: dict[Name, dict[str, Any]] = Field(
        default_factory=dict, description="parts of this recipe that win under a profile, over the profile's own file"
    )
    stages: tuple[dict[str, Any], ...] = Field(
        (), description="steps in order, each with a name and what it does otherwise (recipebook/recipe/stages.py)"
    )
    matrix: Matrix | None = Field(None, description="many adapters from this recipe: a fleet")
    axolotl: dict[str, Any] = Field(
        default_factory=dict, description="any of Axolotl's own keys, checked against its schema; they win"
    )

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        rows = self.data.validation or self.data.split.file or self.data.split.validation
        if self.training.early_stopping and not rows:
            raise ValueError("training.early_stopping needs validation rows, and data.split.validation is 0")
        return self

    @model_validator(mode="after")
    def _has_spans(self) -> Self:
        if self.training.span_weights and not self.data.options.get("spans"):
            raise ValueError("training.span_weights needs data.options.spans: true, by which a converter marks spans")
        return self
