"""The recipe: what a user may write in `recipes/*.yaml`, key by key.

    description: robot commands in plain English to calls of the robot's API
    model: {base: codellama/CodeLlama-7b-Python-hf, chat_template: instruct}
    data:  {source: samples/robot.json, converter: robot, split: {by: [input]}}
    training: {method: sft, epochs: 3, batch_size: 4, learning_rate: 1e-4}
    lora:  {r: 32, alpha: 64}
    eval:  {metrics: {robot: {}}, main: exact}

Every model is frozen and refuses keys that it does not know. No `lora` section means full fine-tuning.
The keys of the larger sections are in data_keys.py, training_keys.py, reinforcement_keys.py, evaluation_keys.py and
matrix_keys.py.
"""

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from recipebook.recipe.batches import divide_batch, find_batch_fault
from recipebook.recipe.data_keys import Data
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.matrix_keys import Matrix
from recipebook.recipe.reinforcement_keys import Reinforcement
from recipebook.recipe.section import Name, Positive, Section, measured_in
from recipebook.recipe.sharing import find_episodes_fault, find_offload_fault, find_sharing_fault
from recipebook.recipe.training_keys import Lora, Preference, Training


class AdapterOf(Section):
    """The run whose adapter is trained further."""

    run: Name = Field(description="a run's full name, or a recipe's for its newest trained run.")


class Model(Section):
    """The model that training starts from."""

    base: Name = Field(description="a folder, or a model's name on the hub. Set it to the model that you fine-tune.")
    revision: str | None = Field(
        None,
        description="a commit, branch or tag on the hub; null: main. Set a commit, so that the model never changes.",
    )
    chat_template: Name = Field(
        "tokenizer",
        description="a file of templates/chat without its ending, or `tokenizer` for the base's own. Set it where the "
        "base has none.",
    )
    system: Literal["keep", "fold", "drop"] = Field(
        "keep",
        description="system turns of rows: kept, folded into the user turn that follows, or dropped. Set it where the "
        "chat template has no system role.",
    )
    adapter: AdapterOf | Name | None = Field(
        None,
        description="an adapter to train further: its folder, or {run: NAME}; null: a new one. Set it to go on from "
        "an earlier training. See continue.md.",
    )


class Launch(Section):
    """How many processes train, what they share, and on which device."""

    processes: Annotated[Positive, measured_in("processes")] = Field(
        1,
        description="on each machine, one for each GPU; on a machine without GPUs, CPU ranks. GPUS= sets it from the "
        "command line.",
    )
    machines: Annotated[Positive, measured_in("machines")] = Field(
        1, description="machines that train together, each with as many processes. Raise it when one has too few GPUs."
    )
    strategy: Literal["auto", "data-parallel", "zero1", "zero2", "zero3", "fsdp2"] = Field(
        "data-parallel",
        description="what processes share: nothing, or by DeepSpeed the optimizer's state (zero1), gradients too "
        "(zero2), weights too (zero3); fsdp2 shares as much as zero3, by PyTorch; auto: zero2 while the model fits a "
        "GPU by the estimate, else zero3. Go one further when memory is short; fsdp2 where a run may resume on another "
        "number of GPUs.",
    )
    offload: Literal["optimizer", "weights"] | None = Field(
        None,
        description="what DeepSpeed keeps in main memory and not on the GPUs: the optimizer's state and gradients, or "
        "the weights too, which needs zero3. Set it where zero3 alone does not fit; steps are slower.",
    )
    timeout: Annotated[Positive, measured_in("seconds")] = Field(
        7200,
        description="how long ranks wait for one that saves, evaluates or reads rows before they give up. Raise it "
        "where a checkpoint takes longer.",
    )
    device: Literal["auto", "mps"] = Field(
        "auto", description="auto: NVIDIA GPUs, else the processor; mps: Apple's GPU. PROFILE=mps sets it."
    )

    @model_validator(mode="after")
    def _fits_one_apple_gpu(self) -> Self:
        if self.device == "mps" and (self.ranks > 1 or self.strategy != "data-parallel"):
            raise ValueError("device: mps trains in one process, which has nothing to share")
        return self

    @property
    def ranks(self) -> int:
        """The processes of all machines together."""
        return self.processes * self.machines


class Remote(Section):
    """A fine-tuning service that trains in place of this machine; the rows of train are sent there, and no others."""

    service: Name = Field(
        "together", description="a module of services/. Set it to the service that you have a key for."
    )
    model: Name | None = Field(
        None, description="the service's name for model.base; null: the same. Set it where the names differ."
    )
    form: Name = Field(
        "prompt_completion",
        description="a module of exports/: the form in which rows are sent. Use openai for dialogues.",
    )
    url: Name | None = Field(
        None, description="the service's address; null: its public one. Set it for a proxy or a server of your own."
    )
    key: Name | None = Field(
        None,
        description="the environment variable that holds the key; null: the service's usual one. Set it for a second "
        "key.",
    )
    poll_seconds: Annotated[float, Field(gt=0), measured_in("seconds")] = Field(
        30, description="time between two looks at the job. Raise it when the service limits requests."
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is None:
            return url
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:
            whole = None
        if not whole or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("no address, such as https://api.example.org/v1")
        return url

    stagger_seconds: Annotated[float, Field(ge=0), measured_in("seconds")] = Field(
        5, description="least time between the starts of two jobs. Raise it for fleets at a service that limits orders."
    )


class Recipe(Section):
    """A whole experiment."""

    description: Name = Field(description="one sentence for people: what is learned from what. It changes nothing.")
    extends: Name | None = Field(
        None,
        description="another recipe's name; this recipe's keys win. Use it for a variant, so that only the change is "
        "here.",
    )
    model: Model = Field(description="the model that training starts from.")
    data: Data = Field(description="where records come from and how they become rows.")
    training: Training = Field(Training(), description="how the model is trained.")
    lora: Lora | None = Field(None, description="the adapter; null: all weights are trained.")
    preference: Preference = Field(Preference(), description="numbers of the methods that learn from pairs.")
    rl: Reinforcement = Field(Reinforcement(), description="how an agent learns from its own episodes.")
    launch: Launch = Field(Launch(), description="how many processes train, what they share, and on which device.")
    remote: Remote | None = Field(
        None, description="a service that trains; null: this machine. PROFILE=together sets it."
    )
    eval: Evaluation = Field(Evaluation(), description="what is measured on held-out rows.")
    profiles: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        description="parts of this recipe that win under a profile, over the profile's own file. Set it for what must "
        "be "
        "different on other hardware.",
    )
    stages: tuple[dict[str, Any], ...] = Field(
        (),
        description="steps in order, each with a name and what is different in it. Use it for several trainings in a "
        "row.",
    )
    matrix: Matrix | None = Field(
        None, description="one adapter for each combination of values: a fleet. See fleets.md."
    )
    axolotl: dict[str, Any] = Field(
        default_factory=dict,
        description="any of Axolotl's own keys, checked against its schema; they win. Use it for what no key here "
        "covers.",
    )

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        rows = self.data.validation or self.data.split.file or self.data.split.validation
        if self.training.early_stopping and not rows:
            raise ValueError("training.early_stopping needs validation rows, and data.split.validation is 0")
        return self

    @model_validator(mode="after")
    def _can_continue(self) -> Self:
        if self.model.adapter is None or self.stages:
            return self
        if self.lora is None:
            raise ValueError("model.adapter is trained further, and without a lora section all weights are trained")
        if self.remote:
            raise ValueError("model.adapter is on this machine, and a service begins with a new adapter")
        if self.training.method == "pretrain":
            raise ValueError("model.adapter fits its own base, and pretrain begins with new weights")
        return self

    @model_validator(mode="after")
    def _suits_apple_gpu(self) -> Self:
        """Axolotl silently trains in fp32 there, and with the whole weights."""
        if self.launch.device == "mps" and self.training.precision == "bf16":
            raise ValueError("training.precision must be fp32 or fp16 where launch.device is mps")
        if self.launch.device == "mps" and self.lora and self.lora.quantize:
            raise ValueError("lora.quantize needs an NVIDIA GPU, and launch.device is mps")
        return self

    @model_validator(mode="after")
    def _shares_what_it_can(self) -> Self:
        launch = self.launch
        if fault := find_offload_fault(launch.offload, launch.strategy, self.training.optimizer):
            raise ValueError(fault)
        if fault := find_sharing_fault(launch.strategy, launch.ranks, self.training, self.lora):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _divides_its_batch(self) -> Self:
        if fault := find_batch_fault(self.training, self.launch.ranks):
            raise ValueError(fault)
        return self

    @model_validator(mode="after")
    def _saves_between_collections(self) -> Self:
        """A run that resumed within a collection would play another one in its place; and each has whole steps."""
        batch = divide_batch(self.training, self.launch.ranks)
        save, steps = self.training.save_steps, self.rl.count_steps(batch.records)
        grpo = self.training.method == "grpo"
        if grpo and (fault := find_episodes_fault(self.rl, batch.records, self.launch.ranks)):
            raise ValueError(fault)
        if grpo and save and steps and save % steps:
            raise ValueError(f"training.save_steps ({save}) must be a multiple of a collection's steps ({steps})")
        return self

    @model_validator(mode="after")
    def _has_spans(self) -> Self:
        if self.training.span_weights and not self.data.options.get("spans"):
            raise ValueError("training.span_weights needs data.options.spans: true, by which a converter marks spans")
        return self
