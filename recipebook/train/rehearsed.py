"""What a rehearsal's trainings left behind in; whether several ranks trained as one process does, line by line, out.

Proof("rows", True, "49 rows on 2 ranks: none is missing, 7 come twice, as predicted")
"""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from recipebook.launch.ranks import FOLDER
from recipebook.recipe.batches import Batch, count_repeats
from recipebook.run.progress_file import Curve, read_curve, read_metrics
from recipebook.run.successes import read_stats

MOST_LOSS, MOST_NORM = 0.005, 0.02
# Strategies add up the same numbers in another order: six digits of a loss in fp32 are the same.
MOST_APART = 1e-6


class Proof(NamedTuple):
    """One thing that was looked at, whether it is as it must be, and what was found."""

    name: str
    good: bool
    text: str


def compare_rows(alone: Path, together: Path, batch: Batch) -> Proof:
    """The rows that all ranks saw, against those of one process."""
    wanted, seen = _read_seen(alone), _read_seen(together)
    predicted = count_repeats(wanted.total(), batch)
    missing, twice = (wanted - seen).total(), (seen - wanted).total()
    ranks = len(list(together.glob("seen-*.txt")))
    text = f"{wanted.total()} rows on {ranks} ranks: {missing or 'none'} missing, {twice} twice, {predicted} predicted"
    return Proof("rows", (missing, twice, ranks) == (0, predicted, batch.processes), text)


def count_shares(rows: int, batch: Batch) -> Proof:
    """Count the rows that accelerate's samplers give to each rank of `batch`, without a process for any of them."""
    from accelerate.data_loader import BatchSamplerShard
    from torch.utils.data import BatchSampler

    sampler = BatchSampler(range(rows), batch.rows, drop_last=False)
    shards = [BatchSamplerShard(sampler, batch.processes, rank) for rank in range(batch.processes)]
    seen = Counter(row for shard in shards for part in shard for row in part)
    missing, twice = rows - len(seen), seen.total() - len(seen)
    predicted = count_repeats(rows, batch)
    text = f"{rows} rows on {batch.processes} ranks, by arithmetic: {missing or 'none'} missing, {twice} twice"
    return Proof("rows", (missing, twice) == (0, predicted), f"{text}, {predicted} predicted")


def compare_losses(alone: Path, together: Path) -> list[Proof]:
    """Loss and norm of the gradients of every step but the last, in which rows may come twice."""
    return [
        _compare(_read(alone, key), _read(together, key), what, most)
        for key, what, most in (("loss", "loss", MOST_LOSS), ("grad_norm", "norm", MOST_NORM))
    ]


def compare_alike(name: str, first: Path, other: Path) -> Proof:
    """The losses of two strategies on the same ranks, step by step; `name` is the first's."""
    ours, theirs = _read(other, "loss"), _read(first, "loss")
    if ours.keys() != theirs.keys() or not ours:
        return Proof("alike", False, f"{len(ours)} steps, and {name} has {len(theirs)}")
    worst = max(abs(ours[step] / theirs[step] - 1) for step in theirs)
    text = f"every step's loss is that of {name} within {worst:.1e} of it (at most {MOST_APART:.0e})"
    return Proof("alike", worst <= MOST_APART, text)


def count_episodes(folder: Path, episodes: int, collections: int) -> Proof:
    """The episodes that all ranks played together, in each collection."""
    lines = read_stats(folder)
    played = [sum(line["outcomes"].values()) for line in lines]
    text = f"{' and '.join(map(str, played))} in {len(played)} collections, {episodes} in each of {collections} wanted"
    return Proof("episodes", played == [episodes] * collections, text)


def check_weights(folder: Path) -> Proof:
    """What the trainer found in the weights that it saved."""
    found = json.loads((folder / "weights.json").read_bytes())
    good = found["finite"] and found["changed"]
    said = "all finite, changed by training" if good else "not finite, or unchanged"
    return Proof("weights", good, f"{found['parameters']:,}, {said}")


def compare_resumed(whole: Path, resumed: Path, step: int, ranks: int, *, same: bool) -> Proof:
    """The learning rates after a resume, and with the `same` launch the losses and weights too."""
    text = f"from step {step} on {ranks} rank{'s' if ranks > 1 else ''}"
    keys = ("learning_rate", "loss") if same else ("learning_rate",)
    differs = [key for key in keys if _after(whole, key, step) != _after(resumed, key, step)]
    differs += ["weights"] if same and _read_weights(whole) != _read_weights(resumed) else []
    if differs:
        return Proof("resume", False, f"{text}: other {' and '.join(differs)} than without an interruption")
    kept = "learning rates, losses and weights" if same else "learning rates"
    return Proof("resume", True, f"{text}: the {kept} of the uninterrupted training")


def count_ranks(folder: Path) -> int:
    """How many ranks trained there."""
    return len(list((folder / FOLDER).glob("*.json")))


def _compare(alone: Curve, together: Curve, what: str, most: float) -> Proof:
    steps = sorted(alone)[:-1]
    missing = [step for step in steps if step not in together]
    if missing or not steps:
        return Proof(what, False, f"step {missing[0] if missing else 1} has none")
    worst = max(abs(together[step] / alone[step] - 1) for step in steps)
    ends = f"{alone[steps[0]]:.4f} to {alone[steps[-1]]:.4f}"
    return Proof(what, worst <= most, f"{ends}, within {worst:.6%} of one process at every step (at most {most:.1%})")


def _read(folder: Path, key: str) -> Curve:
    return read_curve(read_metrics(folder / "metrics.jsonl"), key)


def _after(folder: Path, key: str, step: int) -> Curve:
    return {at: value for at, value in _read(folder, key).items() if at > step}


def _read_seen(folder: Path) -> Counter[str]:
    return Counter(line for path in folder.glob("seen-*.txt") for line in path.read_text("utf-8").splitlines())


def _read_weights(folder: Path) -> str:
    return (folder / "weights.json").read_text(encoding="utf-8")
