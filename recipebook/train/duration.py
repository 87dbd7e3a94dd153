"""How long a training will take and what it will cost, in words: by an earlier run here, else by the GPU's peak.

about 14:10, as a record of robot-lora-20261129-081502 took 0.18 s here
about 5:20 on H100, at a third of its 989 TFLOP/s, which is assumed and not measured; 0.27 at 3 an hour

An earlier run counts if it trained the same base in the same way on the same hardware. Its time for a record is scaled
by the records' size in bytes, as time goes by tokens. For a GPU without such a run, each token takes 2 operations a
weight forward, 2 back to the inputs, 2 more to the weights where all are trained, and 2 again where activations are
computed twice (Kaplan et al. 2020, section 2.1).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from recipebook.hardware import detect
from recipebook.progress import format_seconds
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.run.manifest import Manifest
from recipebook.run.progress_file import read_metrics
from recipebook.run.resolved import read_resolved
from recipebook.run.rundir import list_readable
from recipebook.train.cards import Target
from recipebook.train.memory import TWO_ANSWERS
from recipebook.train.shapes import BaseShape

# 12,473 tokens a second of Llama-3-8B with LoRA, packed, on an H100, as NeMo AutoModel publishes, are 0.40 of its
# peak; short rows in small batches reach less.
REACHED = 1 / 3
# A GPU waits for the processor that starts its some thousand kernels, however few tokens a batch has.
BATCH_SECONDS = 0.1
SPEED = "train_samples_per_second"


class Load(NamedTuple):
    """What a training passes through the model."""

    records: float
    tokens: float
    """Of an average record, with the padding of its batch."""
    record_bytes: float
    """Of an average record in the file of train rows."""


def format_duration(recipe: Recipe, load: Load, shape: BaseShape | None, target: Target) -> str:
    """The time, and with the price of an hour of the machine, the cost."""
    card, price, named = target
    if not named and (earlier := _find_earlier(recipe)):
        one = earlier.seconds * load.record_bytes / earlier.record_bytes
        seconds, basis = load.records * one, f", as a record of {earlier.run} took {earlier.seconds:.2g} s here"
    elif card and card.teraflops and shape:
        processes = recipe.launch.ranks
        computing = count_operations(recipe, load, shape) / (REACHED * card.teraflops * 1e12 * processes)
        starting = BATCH_SECONDS * load.records / (divide_batch(recipe.training, processes).rows * processes)
        seconds = max(computing, starting)
        rate = f"a third of its {card.teraflops:g} TFLOP/s" if computing > starting else f"{BATCH_SECONDS:g} s a batch"
        basis = f" on {card.name}, at {rate}, which is assumed and not measured"
    else:
        return "shown once training runs: no run on this machine has trained this base in this way"
    return f"about {format_seconds(seconds)}{basis}{_format_cost(seconds, price, recipe.launch.machines)}"


def _format_cost(seconds: float, price: float | None, machines: int) -> str:
    """`; 0.80 at 36 an hour`, with what an hour of each machine costs."""
    if price is None:
        return ""
    each = f" for each of {machines} machines" if machines > 1 else ""
    return f"; {seconds / 3600 * price * machines:.2f} at {price:g} an hour{each}"


def average_padded(lengths: Sequence[int], recipe: Recipe, rows: int) -> float:
    """Tokens of an average row, padded to the longest of a batch of `rows` drawn by chance; packed rows are not.

    For lengths 2 and 4 in batches of two: three of four batches have a longest row of 4, so 3.5.
    """
    training = recipe.training
    ordered = sorted(min(length, training.max_length) for length in lengths)
    together = 1 if training.packing in (True, "records") or training.group_by_length else rows
    # The share of batches in which no row is longer than this one.
    shares = [(place / len(ordered)) ** together for place in range(len(ordered) + 1)]
    return sum(length * (shares[at + 1] - shares[at]) for at, length in enumerate(ordered))


def count_operations(recipe: Recipe, load: Load, shape: BaseShape) -> float:
    """Multiplications and additions of a whole training."""
    a_weight = (4 if recipe.lora else 6) + (2 if recipe.training.gradient_checkpointing is True else 0)
    answers = 2 if recipe.training.method in TWO_ANSWERS else 1
    # The embedding looks its rows up; the output layer multiplies.
    weights = shape.linear + shape.vocabulary * shape.hidden
    return a_weight * answers * load.records * load.tokens * weights


class _Earlier(NamedTuple):
    run: str
    seconds: float
    """Of a record."""
    record_bytes: float


def _find_earlier(recipe: Recipe) -> _Earlier | None:
    """The newest run that is comparable."""
    wanted = _describe(recipe.model_dump(mode="json"))
    for run, manifest in list_readable():
        rows = run.folder / "data" / "train.jsonl"
        speeds = [line[SPEED] for line in read_metrics(run.folder / "metrics.jsonl") if line.get(SPEED)]
        if _is_measure(manifest) and speeds and rows.is_file() and _describe(read_resolved(run.folder)) == wanted:
            return _Earlier(run.name, 1 / speeds[-1], rows.stat().st_size / manifest.rows["train"])
    return None


def _is_measure(manifest: Manifest) -> bool:
    """Whether it was trained here, in one piece: the speed of a resumed one counts the steps of both pieces."""
    whole = manifest.status == "trained" and len(manifest.attempts) == 1
    return whole and manifest.hardware == detect() and manifest.remote is None


def _describe(recipe: Mapping[str, Any]) -> tuple[Any, ...]:
    """What decides how long a token takes."""
    training, lora, launch = recipe["training"], recipe["lora"] or {}, recipe["launch"]
    return (
        recipe["model"]["base"],
        launch["processes"] * launch["machines"],
        *(training.get(key) for key in ("method", "batch_size", "global_batch", "precision", "gradient_checkpointing")),
        *(lora.get(key) for key in ("r", "target_modules", "quantize")),
    )
