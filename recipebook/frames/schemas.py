"""The tables that this room makes: every column with its dtype and what it means.

`docs/tables.md` is written from these, and `build_frame` (columns.py) enforces them.
"""

from typing import get_args

from recipebook.frames.columns import Dtype, FurtherColumns, TableColumn, TableSchema
from recipebook.run.advice import Verdict
from recipebook.run.manifest import Status
from recipebook.run.table import KILLED, UNREADABLE

TUNED, BASE = "tuned", "base"


def _state(name: str, dtype: Dtype, meaning: str, values: tuple[str, ...] = ()) -> TableColumn:
    """A column with a value in every row."""
    return TableColumn(name=name, dtype=dtype, meaning=meaning, values=values)


def _allow(name: str, dtype: Dtype, meaning: str, values: tuple[str, ...] = ()) -> TableColumn:
    """A column in which values may be missing."""
    return TableColumn(name=name, dtype=dtype, meaning=meaning, missing=True, values=values)


_RUN = (
    _state("run", "string", "the run's name"),
    _allow("member", "string", "which member of its fleet it is"),
)
_EVALUATED = (
    *_RUN,
    _state("evaluation", "string", "the evaluation's folder in the run's `eval/`; empty for the run's own"),
    _state("id", "string", "the row's name, once in each evaluation"),
)

RUNS = TableSchema(
    name="runs",
    columns=(
        _RUN[0],
        _allow("recipe", "string", "the recipe's name"),
        _allow("fleet", "string", "the fleet whose member it is"),
        _RUN[1],
        _allow("profile", "string", "the profile that it was trained under"),
        _state(
            "status",
            "category",
            "the manifest's; `killed` if it says training and nobody does, `unreadable` without a manifest to read",
            (*get_args(Status), KILLED, UNREADABLE),
        ),
        _allow("reason", "string", "why it failed, or which of its files cannot be read"),
        _allow("created", "datetime64[us, UTC]", "when it was opened"),
        _allow("base", "string", "the recipe's `model.base`"),
        _allow("identity", "string", "the hash of all that decides its result"),
        _allow("commit", "string", "git's commit of the checkout"),
        _allow("dirty", "boolean", "whether tracked files differed from that commit"),
        _allow("train_rows", "Int64", "rows of the part train"),
        _allow("validation_rows", "Int64", "rows of the part validation"),
        _allow("test_rows", "Int64", "rows of the part test"),
        _state("attempts", "Int64", "starts of the trainer"),
        _allow("seconds", "Float64", "spent in all attempts that ended"),
        _allow("step", "Int64", "the step that the training has reached; missing for a run of stages"),
        _allow("steps", "Int64", "the steps of the whole training"),
        _allow("final_loss", "Float64", "the last training loss"),
        _allow("verdict", "category", "how the training went", get_args(Verdict)),
        _allow("diagnosis", "string", "the verdict with its reasons"),
        _allow("memory_gib", "Float64", "the most main memory of the trainer, in GiB"),
        _allow("figure", "string", "the main figure of the run's own evaluation"),
        _allow("rows", "Int64", "rows that were evaluated"),
        _allow("tuned", "Float64", "the tuned model's main figure"),
        _allow("tuned_low", "Float64", "the lower end of its 95 % interval"),
        _allow("tuned_high", "Float64", "the upper end"),
        _allow("base_mean", "Float64", "the base model's main figure"),
        _allow("difference", "Float64", "tuned less base, over rows where both are defined"),
        _allow("p_adjusted", "Float64", "of this difference; the main figure is tested alone, at 0.05"),
    ),
)
LOSSES = TableSchema(
    name="losses",
    columns=(
        *_RUN,
        _allow("stage", "string", "the stage that was trained, in a run of stages"),
        _state("step", "Int64", "the optimizer's step; one that was trained again after a resume counts once"),
        _allow("epoch", "Float64", "passes through the rows so far"),
        _allow("loss", "Float64", "the training loss"),
        _allow("eval_loss", "Float64", "the validation loss"),
        _allow("learning_rate", "Float64", "the learning rate"),
        _allow("grad_norm", "Float64", "the norm of the gradients"),
    ),
    further=(
        FurtherColumns(
            prefix="",
            dtypes=("Float64", "boolean", "string"),
            meaning="whatever else the trainer logged, such as `rewards/margins`",
        ),
    ),
)
PREDICTIONS = TableSchema(
    name="predictions",
    columns=(
        *_EVALUATED,
        _state("prompt", "string", "the content of the last message before the answer"),
        _state("reference", "string", "the answer of the data"),
        _state("prediction", "string", "the tuned model's answer"),
        _allow("baseline", "string", "the base model's answer"),
        _allow("new_tokens", "Int64", "tokens of the tuned model's answer"),
        _state("truncated", "boolean", "whether it was cut off at the limit of new tokens"),
        _allow("baseline_truncated", "boolean", "whether the base model's answer was cut off"),
        _allow("unit", "string", "rows with the same unit are resampled together"),
        _allow("question_hash", "string", "the hash of the whole prompt with its reference"),
        _allow("row", "string", "the row that this is one of several answers to; missing where each has one"),
    ),
    further=(
        FurtherColumns(
            prefix="meta.",
            dtypes=("string", "Int64", "Float64", "boolean"),
            meaning="a field of the row's meta; values of several kinds are texts, lists and objects are JSON",
        ),
        FurtherColumns(prefix="measures.", dtypes=("Float64",), meaning="what was measured of the tuned model"),
        FurtherColumns(prefix="baseline_measures.", dtypes=("Float64",), meaning="what was measured of the base model"),
    ),
)
SCORES = TableSchema(
    name="scores",
    columns=(
        *_EVALUATED,
        _state("system", "category", "whose answer was scored", (TUNED, BASE)),
        _state("figure", "category", "the figure, in the order of the recipe's metrics"),
        _allow("value", "Float64", "the score; missing where the figure is undefined for the answer"),
    ),
)
LEADERBOARD = TableSchema(
    name="leaderboard",
    columns=(
        _allow("group", "Int64", "runs of one group may be compared; missing for a run without an evaluation to rank"),
        _allow("rank", "Int64", "the run's place in its group; missing for the only run of a group"),
        _RUN[0],
        _allow("evaluation", "string", "the evaluation's folder in the run's `eval/`; empty for the run's own"),
        _allow("recipe", "string", "the recipe's name"),
        _allow("profile", "string", "the profile that it was trained under"),
        _allow("figure", "string", "the main figure, by which the group is ranked"),
        _allow("less_is_better", "boolean", "whether the best run has the least of it"),
        _allow("part", "string", "the part of the rows, such as `test rows`"),
        _allow("rows", "Int64", "rows that were evaluated"),
        _allow("defined", "Int64", "rows for which the figure is defined"),
        _allow("mean", "Float64", "the figure"),
        _allow("low", "Float64", "the lower end of its 95 % interval"),
        _allow("high", "Float64", "the upper end"),
        _allow("difference", "Float64", "the run less the best run of its group; missing for the best itself"),
        _allow("difference_low", "Float64", "the lower end of the difference's 95 % interval"),
        _allow("difference_high", "Float64", "the upper end"),
        _allow("p", "Float64", "of this difference"),
        _allow("p_adjusted", "Float64", "the same, by Holm over all pairs of the group"),
        _allow("tied", "boolean", "whether the run may be as good as the best"),
        _allow("optimism", "Float64", "how much too good the best of a group looks, since these rows chose it"),
        _allow("reason", "string", "why the run has no place"),
    ),
)
SCHEMAS = {schema.name: schema for schema in (RUNS, LOSSES, PREDICTIONS, SCORES, LEADERBOARD)}
