"""One recipe trained with several seeds: a recipe in, a fleet over `training.seed` out; a fleet in, its seeds out.

    make train RECIPE=robot-lora SEEDS=5  →  runs/robot-lora-seeds with the members seed42, seed43, …, seed46

A member whose seed the recipe has itself is the same work as a run of the recipe, and is not trained again.
"""

from collections.abc import Sequence
from dataclasses import replace

from recipebook.errors import UserError
from recipebook.recipe.layers import COMMAND_LINE
from recipebook.recipe.matrix_keys import SEED, Matrix
from recipebook.recipe.resolve import Resolved
from recipebook.run.earlier import read_inputs
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

DEFAULT = "42"
SUFFIX = "-seeds"
# A stage's inputs that follow from the stages before it, and so from their seeds.
BEFORE = ("start", "stage ")


def repeat_over_seeds(resolved: Resolved, count: int) -> Resolved:
    """The recipe as a fleet of `count` members, by the recipe's seed and the numbers that follow it."""
    matrix = Matrix(values={SEED: tuple(list_seeds(resolved, count))}, name="seed{seed}")
    path = ("matrix", "values", SEED)
    # The key itself is set by the matrix now, and not on the command line.
    places = {key: spot for key, spot in resolved.places.items() if key != tuple(SEED.split("."))}
    recipe = resolved.recipe.model_copy(update={"matrix": matrix})
    return replace(resolved, recipe=recipe, places={**places, path: COMMAND_LINE}, fleet_suffix=SUFFIX)


def list_seeds(resolved: Resolved, count: int) -> range:
    """The recipe's seed and the numbers that follow it."""
    if resolved.recipe.matrix:
        raise UserError(f"{resolved.name} has a matrix, which SEEDS would replace; add training.seed to its values")
    if count < 2:
        raise UserError("SEEDS=1 is one training as any: make train without it, or SEEDS=2 and more")
    first = resolved.recipe.training.seed
    return range(first, first + count)


def name_seeds(resolved: Resolved) -> str:
    """The folder in runs/ of a recipe's runs with several seeds."""
    return resolved.name.replace("/", "-") + SUFFIX


def find_seeds(members: Sequence[tuple[Run, Manifest]]) -> list[int] | None:
    """The seed of each member, where the members differ in nothing else; None for any other fleet."""
    if len(members) < 2 or not all((run.folder / "resolved.yaml").is_file() for run, _ in members):
        return None
    inputs = [_read_all(run, manifest) for run, manifest in members]
    seeds = [int(one.pop(SEED, DEFAULT)) for one in inputs]
    return seeds if all(one == inputs[0] for one in inputs) and len({*seeds}) == len(seeds) else None


def _read_all(run: Run, manifest: Manifest) -> dict[str, str]:
    """The inputs of a run; of one with stages also what each stage has but for its seed and the stages before it."""
    found = read_inputs(manifest, run.folder)
    if manifest.placebo_of:
        # Its train rows are shuffled by its seed; what they are shuffled from is not.
        found["rows"] = str(manifest.hashes.get("parts"))
    for entry in manifest.pipeline:
        own = {key: value for key, value in entry.inputs.items() if key != SEED and not key.startswith(BEFORE)}
        found |= {f"{entry.name}: {key}": value for key, value in own.items()}
    return found
