"""The adapter that a recipe trains further: `model.adapter` in; its folder, its owner, settings and digest out.

    find_begun(recipe)  →  Begun(folder=Path("runs/robot-lora-20261121-093000/model"), owner=Run(…),
                                 config={"r": 32, "lora_alpha": 64, …}, targets=("q_proj", "v_proj"), digest="5d0c…")

Only the heads of the weights are read, and all bytes for the digest: no torch is needed.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.files import digest, digest_file
from recipebook.project import RUNS, locate, shown
from recipebook.recipe.keys import AdapterOf, Recipe
from recipebook.run.adapter_names import CONFIG, PREFIX, SCALES, WEIGHTS
from recipebook.run.checkpoints import read_shapes
from recipebook.run.manifest import FINISHED, Ancestor, Manifest
from recipebook.run.model_run import find_model_run
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun

BEGUN = "begun"
"""The folder in a run with the adapter that its training began with."""
OTHER_FORMS = ("*.bin", "*.pt", "*.pth", "*.ckpt")


class Begun(NamedTuple):
    """An adapter that is trained further; `owner` is the run or stage that left it, None for one from elsewhere."""

    folder: Path
    owner: Run | None
    config: dict[str, Any]
    modules: dict[str, tuple[int, int]]
    """The inputs and outputs of each module that it acts at, by the module's name in the base."""
    digest: str

    @property
    def targets(self) -> frozenset[str]:
        """The last parts of the modules' names: `q_proj`."""
        return frozenset(name.rpartition(".")[2] for name in self.modules)


def find_begun(recipe: Recipe) -> Begun | None:
    """The adapter that a recipe trains further; None where it begins with a new one."""
    named = recipe.model.adapter
    if named is None:
        return None
    owner, folder = _find_run(named) if isinstance(named, AdapterOf) else _find_folder(named)
    config, shapes = read_config(folder), _read_shapes(folder)
    settings = {key: config.get(key) for key, _, _ in SCALES}
    return Begun(folder, owner, config, _pair(shapes), digest(_digest_weights(folder), json.dumps(settings)))


def list_lineage(begun: Begun | None) -> tuple[Ancestor, ...]:
    """The adapter and those that it was itself trained from, nearest first."""
    if begun is None:
        return ()
    known = _read_manifest(begun.owner)
    own = Ancestor(
        digest=begun.digest,
        folder=shown(begun.folder),
        run=begun.owner and known and known.run,
        identity=known and known.identity,
    )
    return (own, *(known.lineage if known else ()))


def _find_run(named: AdapterOf) -> tuple[Run, Path]:
    run = find_model_run(named.run, RUNS)
    manifest = run.read()
    if manifest.status not in FINISHED:
        raise UserError(f"{shown(run.folder)} is {manifest.status}, not trained; name the folder of a checkpoint")
    return run, run.folder / "model"


def _find_folder(name: str) -> tuple[Run | None, Path]:
    folder = locate(name)
    if not folder.is_dir():
        raise UserError(f"no folder '{on_one_line(name)}'; an adapter of a run is named by {{run: NAME}}")
    return _find_owner(folder.resolve()), folder


def _find_owner(folder: Path) -> Run | None:
    """The run or stage of this project that a folder of weights belongs to."""
    for parent in folder.parents:
        if parent.parent.name == "stages" and (parent.parents[1] / "manifest.json").is_file():
            return StageRun(Run(parent.parents[1]), parent.name)
        if (parent / "manifest.json").is_file() and parent.is_relative_to(RUNS.resolve()):
            return Run(parent, None if parent.parent == RUNS.resolve() else parent.parent.name)
    return None


def _read_manifest(owner: Run | None) -> Manifest | None:
    return owner.read() if owner else None


def read_config(folder: Path) -> dict[str, Any]:
    """The settings of the LoRA adapter in a folder."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{shown(folder)} has no {CONFIG}, so it holds no adapter") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{shown(path)}: cannot be read: {on_one_line(str(error))}") from None
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        raise UserError(f"{shown(path)}: peft_type is {on_one_line(str(kind))}; only LORA adapters are trained further")
    return dict(config)


def _read_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    path = folder / WEIGHTS
    if not path.is_file():
        other = next((found.name for form in OTHER_FORMS for found in sorted(folder.glob(form))), None)
        hint = f": {other} may run code when it is read, and is not taken" if other else ""
        raise UserError(f"{shown(folder)} has no {WEIGHTS}{hint}")
    if not (shapes := read_shapes(path)):
        raise UserError(f"{shown(path)} is cut short, or holds no weights")
    return shapes


def _pair(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """`{"model.layers.0.self_attn.q_proj": (64, 64), …}` of the shapes of A (rank, inputs) and B (outputs, rank)."""
    a, b = ".lora_A.weight", ".lora_B.weight"
    return {
        name.removesuffix(a).removeprefix(PREFIX): (shape[-1], shapes[other][0])
        for name, shape in shapes.items()
        if name.endswith(a) and (other := name.removesuffix(a) + b) in shapes
    }


def _digest_weights(folder: Path) -> str:
    path = folder / WEIGHTS
    state = path.stat()
    return _digest_known(path, state.st_size, state.st_mtime_ns)


@cache
def _digest_known(path: Path, size: int, changed: int) -> str:
    """Once a command, though several ask; the size and the time show whether the content of a path has changed."""
    return digest_file(path)
