"""The sections of a recipe that decide how weights are learned: `training`, `preference` and `lora`.

training: {method: dpo, epochs: 3, batch_size: 4, learning_rate: 1e-4}
preference: {beta: 0.1}
lora: {r: 32, alpha: 64, target_modules: all-linear}
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebook.recipe.schema_walk import MOST
from recipebook.recipe.section import Count, Name, Positive, Section, Seed, Share, measured_in

Steps = Annotated[Positive, measured_in("steps")]
Rows = Annotated[Positive, measured_in("rows")]
Factor = Annotated[float, Field(gt=0), measured_in("factor")]


class Training(Section):
    """How the model is trained; the names are the field's own, the template maps them to Axolotl's."""

    method: Name = Field(
        "sft", description="a template, templates/<method>.yaml.j2. Choose one by what your rows are: see methods.md."
    )
    epochs: Annotated[float, Field(gt=0, le=MOST), measured_in("passes over the rows")] = Field(
        3, description="how often each train row is seen. Lower it on overfitting, raise it while the loss still falls."
    )
    max_steps: Steps | None = Field(
        None, description="training ends after this many steps, whatever epochs says. Set it for a quick try."
    )
    batch_size: Rows = Field(
        4,
        description="rows that a process takes at a time, at most. Lower it when memory is short, raise it for speed.",
    )
    global_batch: Annotated[Positive, measured_in("records")] | None = Field(
        None,
        description="records of a step, over all processes; gradient_accumulation then follows, and batch_size is the "
        "most that a process takes at a time. null: batch_size x gradient_accumulation for each process. Set it so "
        "that GPUS= changes the speed and not what is learned.",
    )
    gradient_accumulation: Annotated[Positive, measured_in("batches")] = Field(
        1,
        description="batches whose gradients are added up before a step. Raise it for a larger batch than memory "
        "holds, "
        "or when training is unstable.",
    )
    learning_rate: Annotated[float, Field(gt=0), measured_in("per step")] = Field(
        1e-4,
        description="size of a step at its highest. Multiply it by three on underfitting, divide it by three when "
        "training is unstable; full fine-tuning needs about a tenth of LoRA's.",
    )
    scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = Field(
        "cosine",
        description="how the learning rate falls after the warm-up. Use a constant one to train further later.",
    )
    warmup_ratio: Share = Field(
        0.1,
        description="share of all steps in which the learning rate rises. Raise it when the first steps are unstable.",
    )
    weight_decay: Annotated[float, Field(ge=0), measured_in("factor")] = Field(
        0.0, description="how strongly weights are pulled to 0, times the learning rate. Try 0.01 on overfitting."
    )
    max_grad_norm: Annotated[float, Field(gt=0), measured_in("norm")] = Field(
        1.0, description="longer gradients are cut to this norm. Lower it when single steps spike."
    )
    optimizer: Name = Field(
        "adamw_torch",
        description="any of Axolotl's optimizers. Profiles for GPUs use adamw_torch_fused; adamw_bnb_8bit saves "
        "memory.",
    )
    max_length: Annotated[Positive, measured_in("tokens")] = Field(
        256,
        description="tokens that a row may have. Set it to the longest row that `make plan` shows; memory grows with "
        "it.",
    )
    too_long: Literal["raise", "truncate", "drop"] = Field(
        "raise", description="what happens to longer rows. Use drop or truncate only if you know which rows are longer."
    )
    packing: bool | Literal["auto", "records"] = Field(
        "auto",
        description="records: the rows that a process takes at a time stand one behind another, without padding, and a "
        "step has as many records as without it; true: as many rows as fit into max_length, so that a step has more "
        "records; auto: records for chats on a GPU with bf16, else false. See gpu.md.",
    )
    pack_length: Annotated[Positive, measured_in("tokens")] = Field(
        2048,
        description="with packing: records a process takes as many rows of a step at a time as surely fit into this, "
        "and at least batch_size. Lower it when memory is short.",
    )
    group_by_length: bool = Field(
        False, description="rows of similar length share a batch. Switch it on where lengths vary and packing is off."
    )
    gradient_checkpointing: bool | Literal["auto"] = Field(
        "auto",
        description="activations are computed again instead of kept; steps take about a third longer. auto: where the "
        "estimate says that the GPU's memory is too small without it.",
    )
    chunked_loss: bool | Literal["auto"] = Field(
        "auto",
        description="the loss is computed for an eighth of the tokens at a time, which saves memory where the "
        "vocabulary is large. auto: for chats on a GPU, with a vocabulary of 64,000 or more.",
    )
    tf32: bool | Literal["auto"] = Field(
        "auto",
        description="products of numbers in float32 are rounded as tensor cores want them. auto: on a GPU with bf16.",
    )
    precision: Literal["auto", "bf16", "fp16", "fp32"] = Field(
        "auto",
        description="auto: bf16 on a GPU, or fp16 where the GPU has no bf16; bf16 on a processor with AMX-BF16 or "
        "AVX512-BF16, else fp32. Set fp32 to find a bad number.",
    )
    train_on: Literal["responses", "all"] = Field(
        "responses", description="which tokens carry loss. Use all for texts without a question, such as stories."
    )
    span_weights: dict[Name, Annotated[float, Field(ge=0), measured_in("factor")]] | None = Field(
        None,
        description="the weight of a token's loss by the kind of span it is in; `fluency`: in none. Set it where some "
        "words of an answer matter more: see methods.md.",
    )
    seed: Seed = Field(
        42, description="new weights and the order of rows. Change it to see how much a result depends on chance."
    )
    logging_steps: Steps = Field(
        10,
        description="steps between two logged losses. Lower it for short trainings, which else have no curve to judge.",
    )
    eval_steps: Steps | None = Field(
        None,
        description="steps between two validations; null: once an epoch. Set it for early stopping or long epochs.",
    )
    save_steps: Steps | None = Field(
        None, description="steps between two checkpoints; null: once an epoch. Lower it where a crash would cost hours."
    )
    early_stopping: Annotated[Positive, measured_in("validations")] | None = Field(
        None,
        description="validations without a better loss after which training stops and returns to the best checkpoint. "
        "Set it on overfitting, with eval_steps and save_steps.",
    )
    keep_checkpoints: Annotated[Positive, measured_in("checkpoints")] = Field(
        2, description="newest checkpoints that stay. Raise it to evaluate several, lower it when the disk is full."
    )
    workers: Annotated[Count, measured_in("processes")] | Literal["auto"] = Field(
        "auto",
        description="processes that load data; 0: the trainer itself. auto: 2 for each GPU, else 0. Raise it when a "
        "GPU waits for rows.",
    )
    pin_memory: bool = Field(
        False, description="rows are copied to the GPU from locked memory. Profiles for GPUs switch it on."
    )

    @model_validator(mode="after")
    def _can_stop_early(self) -> Self:
        """The engine compares evaluations at checkpoints, so that the best one is there to go back to."""
        if self.early_stopping and not (self.eval_steps and self.save_steps and not self.save_steps % self.eval_steps):
            raise ValueError("early_stopping needs eval_steps and save_steps, the second a multiple of the first")
        return self

    @model_validator(mode="after")
    def _counts_records(self) -> Self:
        if self.global_batch and self.packing is True:
            raise ValueError(
                "global_batch counts records, and packing: true puts as many into a step as fit: leave one out, or "
                "set packing to records"
            )
        return self

    @model_validator(mode="after")
    def _can_weigh(self) -> Self:
        if self.span_weights and self.packing in (True, "records"):
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
    """How pairs are learned; a number that the recipe's method does not use is refused."""

    beta: Factor | None = Field(
        None,
        description="dpo, ipo, kto: the price of leaving the reference, 0.1 if null; simpo: scale of the reward, 2.0 "
        "if "
        "null. Raise it when training is unstable or forgets, lower it when pairs are not learned.",
    )
    loss: Literal["sigmoid", "hinge", "robust"] = Field(
        "sigmoid", description="dpo: the loss of a pair; sigmoid is the paper's. Use robust where labels are noisy."
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5), measured_in("share")] = Field(
        0.0,
        description="dpo with loss robust: share of pairs that may be labelled the wrong way round. Set it to what you "
        "know of your labels.",
    )
    precompute_reference: bool = Field(
        False,
        description="dpo, ipo: the reference is evaluated once, before training, instead of at each step. Switch it on "
        "for two epochs or more.",
    )
    gamma: Annotated[float, Field(ge=0), measured_in("reward")] | None = Field(
        None,
        description="simpo: the margin by which the chosen answer's reward must be higher; 1.0 if null, as in its "
        "paper. "
        "Raise it on underfitting.",
    )
    odds_weight: Factor | None = Field(
        None,
        description="orpo: lambda, the weight of the odds ratio beside the chosen answer's loss; 0.1 if null, as in "
        "its "
        "paper. Raise it when pairs are not learned, lower it when answers get worse.",
    )
    desirable_weight: Factor | None = Field(
        None,
        description="kto: weight of chosen answers; 1.0 if null. Raise it where they are fewer than rejected ones.",
    )
    undesirable_weight: Factor | None = Field(
        None,
        description="kto: weight of rejected answers; 1.0 if null. Raise it where they are fewer than chosen ones.",
    )

    @model_validator(mode="after")
    def _can_smooth(self) -> Self:
        """TRL takes the number with any loss, and uses it in one."""
        if self.label_smoothing and self.loss != "robust":
            raise ValueError(f"label_smoothing needs loss to be robust: the engine ignores it under {self.loss}")
        return self


class Lora(Section):
    """The adapter; `quantize` makes it a QLoRA."""

    r: Annotated[Positive, measured_in("rank")] = Field(
        32, description="rank of the adapter's matrices: its size. Raise it on underfitting, lower it on overfitting."
    )
    alpha: Annotated[Positive, measured_in("factor")] = Field(
        64, description="what is learned is scaled by alpha / r. Change it together with r, to keep their ratio."
    )
    dropout: Share = Field(
        0.05,
        description="share of the adapter's inputs that is dropped at random. Try 0.1 on overfitting, 0 for speed.",
    )
    target_modules: Annotated[tuple[Name, ...], Field(min_length=1)] | Literal["all-linear"] = Field(
        ("q_proj", "v_proj"),
        description="the layers that get an adapter, by their names. Use all-linear on underfitting; it takes more "
        "memory.",
    )
    kernels: bool = Field(
        True,
        description="on a GPU the adapter is computed by Axolotl's fused kernels, where it has them: not with 8bit, "
        "nor for preferences. Set it to false to find a bad number.",
    )
    quantize: Literal["4bit", "8bit"] | None = Field(
        None, description="the base model is loaded in fewer bits. Use 4bit when it does not fit into the GPU's memory."
    )
