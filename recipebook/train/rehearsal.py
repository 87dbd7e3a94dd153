"""`make rehearse`: a recipe and its launch in; whether that launch trains rightly out, without a GPU.

The same files are rendered and started on as many CPU ranks as there are cores, with the embedded model and the records
of a step that were asked for. One process trains the same as a reference, for all strategies. It costs minutes, and no
GPU.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recipebook import hardware, project
from recipebook.building import building
from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.batches import divide_batch
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import read_layers
from recipebook.recipe.resolve import merge_layers
from recipebook.recipe.sharing import find_sharing_fault
from recipebook.recipe.stages import Stage, read_stages
from recipebook.suggestions import offer
from recipebook.terminal import print_field
from recipebook.train.rehearsal_run import Rehearsal
from recipebook.train.rehearsed import (
    Proof,
    check_weights,
    compare_alike,
    compare_losses,
    compare_resumed,
    compare_rows,
    count_episodes,
    count_ranks,
    count_shares,
)
from recipebook.train.settle import NO_GPU
from recipebook.train.strategy import AUTO, choose_strategy

# Any number of ranks resumes from their checkpoints.
WHOLE = ("data-parallel", "fsdp2")
PROVED = "the rendered files, who gets which rows, what ranks share, checkpoints and resuming"
NOT_PROVED = "NCCL, GPU kernels, bf16, memory and speed; no GPU was used"
PLAYED = "episodes are not compared with those of one process: each rank plays its own, with a seed of its own"


@dataclass(frozen=True)
class Launched:
    """A training that is to be rehearsed, and what it is called."""

    label: str
    recipe: Recipe


def rehearse(
    name: str, profile: str | None, overrides: Sequence[str], strategies: Sequence[str], stage: str | None
) -> int:
    """Rehearse the launch, by each of the strategies; 0 where everything is as it must be, 1 where something is not.

    Of a recipe with stages, each that trains on rows which are there; or the named one.
    """
    trainings = list(_list_trainings(name, profile, overrides, stage))
    # The machine may have GPUs, and they may be in use.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    hardware.detect.cache_clear()
    good = [_print(proof) for asked in trainings for proof in _rehearse(asked, strategies)]
    print_field("proved", PROVED if all(good) else "no: see the lines above")
    print_field("not proved", NOT_PROVED)
    return 0 if all(good) else 1


def _list_trainings(name: str, profile: str | None, overrides: Sequence[str], only: str | None) -> Iterator[Launched]:
    """The trainings of a recipe; of one with stages, those whose rows do not wait for another stage."""
    layers = read_layers(name, profile, overrides, PROJECT)
    whole, stages = merge_layers(layers).recipe, read_stages(layers)
    if whole.matrix or whole.remote:
        raise UserError(f"{name}: make rehearse takes trainings on this machine, without a matrix")
    names = [stage.name for stage in stages]
    if only is not None and only not in names:
        raise UserError(f"STAGE: no stage '{only}'{offer(only, names)}" if names else f"{name} has no stages")
    if not stages:
        yield Launched(name, whole)
    for stage in stages:
        reason = _find_reason(stage)
        if reason and stage.name == only:
            raise UserError(f"{stage.place}: stage '{stage.name}' cannot be rehearsed: {reason}")
        if reason:
            print_field("left out", f"stage '{stage.name}': {reason}")
        elif only in (None, stage.name):
            yield Launched(f"{name} {stage.name}", stage.recipe)


def _find_reason(stage: Stage) -> str | None:
    """Why a stage cannot be rehearsed; None where it can."""
    if stage.kind:
        return f"{stage.kind} trains nothing"
    if makers := stage.list_sources():
        return f"its rows are made by {', '.join(makers)}, when the recipe is trained"
    return None


def _rehearse(asked: Launched, strategies: Sequence[str]) -> Iterator[Proof]:
    recipe = asked.recipe
    dataset = prepare(recipe.data, system=recipe.model.system)
    batch = divide_batch(recipe.training, recipe.launch.ranks)
    if batch.processes > dataset.rows["train"]:
        raise UserError(
            f"{asked.label}: {batch.processes} ranks, and there are {dataset.rows['train']} train rows to share; "
            f"GPUS={dataset.rows['train']} at most"
        )
    ranks = _choose_ranks(recipe)
    plays = recipe.training.method == "grpo"
    with building("rehearsal", project.CACHE) as folder:
        rehearsal = Rehearsal(recipe, asked.label, folder, dataset, ranks)
        print_field(
            "rehearsal",
            f"{asked.label} on {batch.processes} ranks, {batch.records} records a step; {ranks} run here",
        )
        if plays:
            print_field("", PLAYED)
        alone = None if plays else rehearsal.train("one-process", rehearsal.build(WHOLE[0], 1))
        if batch.processes > 1 and not plays:
            yield count_shares(dataset.rows["train"], batch)
        first: tuple[str, Path] | None = None
        # Without a GPU whose memory counts, `auto` is what it is for a model that fits.
        own = choose_strategy(recipe, NO_GPU)[0] if recipe.launch.strategy == AUTO else recipe.launch.strategy
        for strategy in strategies or (own,):
            print_field("strategy", strategy)
            if fault := find_sharing_fault(strategy, ranks, rehearsal.small.training, rehearsal.small.lora):
                print_field("left out", fault)
                continue
            whole = rehearsal.train(strategy, rehearsal.build(strategy, ranks))
            yield from _look_at(rehearsal, whole, alone)
            if first and not plays:
                yield compare_alike(*first, whole)
            first = first or (strategy, whole)
            yield from _resume(rehearsal, strategy, whole)


def _choose_ranks(recipe: Recipe) -> int:
    """As many ranks as there are cores, two at least, that share the records of a step evenly."""
    records = divide_batch(recipe.training, recipe.launch.ranks).records
    most = min(recipe.launch.ranks, max(2, hardware.count_cores()))
    return next(count for count in range(most, 0, -1) if not records % count)


def _look_at(rehearsal: Rehearsal, whole: Path, alone: Path | None) -> Iterator[Proof]:
    """What several ranks trained, beside what one process did."""
    trained = count_ranks(whole) or 1
    yield Proof("ranks", trained == rehearsal.ranks, f"{trained} trained together")
    if alone:
        yield compare_rows(alone, whole, divide_batch(rehearsal.small.training, rehearsal.ranks))
        yield from compare_losses(alone, whole)
    else:
        yield count_episodes(whole, rehearsal.small.rl.episodes, rehearsal.small.rl.collections)
    yield check_weights(whole)
    yield rehearsal.load(whole)


def _resume(rehearsal: Rehearsal, strategy: str, whole: Path) -> Iterator[Proof]:
    """Resume from the first checkpoint, on the same ranks, and in one process where its checkpoints are whole."""
    alone = strategy in WHOLE and rehearsal.small.training.method != "grpo"
    for ranks in dict.fromkeys((rehearsal.ranks, 1) if alone else (rehearsal.ranks,)):
        resumed = rehearsal.resume(whole, f"{strategy}-{ranks}", rehearsal.build(strategy, ranks))
        yield compare_resumed(whole, resumed, rehearsal.saved, ranks, same=ranks == rehearsal.ranks)


def _print(proof: Proof) -> bool:
    print_field(proof.name, proof.text if proof.good else f"WRONG: {proof.text}")
    return proof.good
