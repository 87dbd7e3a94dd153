"""`make merge-adapters`: trained adapters of one base and a weight each in; one adapter that PEFT made of them out.

    make merge-adapters RUNS="joy-run wisdom-run" WEIGHTS="0.7 0.3" OUT=models/joy-and-wisdom
    → models/joy-and-wisdom/: the adapter, tokenizer, chat template, and the list of its parts:
      merged.json  {"kind": "linear", "adapters": [{"run": "joy-run", "weight": 0.7, "digest": "5d0c…"}, …]}

PEFT's add_weighted_adapter has the kinds. `linear` adds up A and B matrices apart, so their product has mixed terms and
the rank stays; `cat` puts them side by side, whose product is the weighted sum itself, of all ranks together; `ties`
prunes each to its largest share, `density`, and lets the signs vote.
"""

import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recipebook import project
from recipebook.building import building
from recipebook.errors import UserError, on_one_line
from recipebook.files import write_text
from recipebook.libraries import prepare_libraries
from recipebook.project import shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.recipe.resolve import resolve
from recipebook.run.manifest import Manifest
from recipebook.run.model_run import find_model_run
from recipebook.run.rundir import Run
from recipebook.terminal import print_field

ALIKE = ("base", "chat_template")
TOKENIZER = ("tokenizer*", "chat_template*", "special_tokens_map.json")


class WeightedAdapter(NamedTuple):
    """An adapter to be merged."""

    run: Run
    manifest: Manifest
    weight: float
    config: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where its weights are."""
        return self.run.folder / "model"


def merge_adapters(
    queries: Sequence[str],
    weights: Sequence[float],
    out: Path,
    kind: str = "linear",
    density: float | None = None,
    runs: Path = project.RUNS,
) -> int:
    """Merge into a folder, which is whole or absent; the exit status."""
    if len(queries) < 2 or len(queries) != len(weights):
        raise UserError(f"WEIGHTS: {len(weights)} given, and {len(queries)} RUNS; two runs or more need one each")
    if wrong := [weight for weight in weights if not math.isfinite(weight)]:
        raise UserError(f"WEIGHTS: {wrong[0]} is no weight; a weight is a finite number")
    if (kind == "ties") != (density is not None) or not 0 < (density or 1) <= 1:
        raise UserError(f"DENSITY: {density}; ties needs one above 0 and up to 1, and {kind} is the KIND")
    if out.exists():
        raise UserError(f"OUT: {out} is there already")
    parts = [_read_part(find_model_run(query, runs), weight) for query, weight in zip(queries, weights, strict=True)]
    _check_fit(parts, kind)
    with building(out.name, out.parent) as folder:
        _merge(parts, kind, density, folder)
        (folder / "merged").rename(out)
    print_field(
        "merged", f"{len(parts)} adapters of {_read_recipe(parts[0]).model.base} by {kind}: {shown(out.resolve())}"
    )
    return 0


def _read_part(run: Run, weight: float) -> WeightedAdapter:
    manifest, path = run.read(), run.folder / "model" / "adapter_config.json"
    if manifest.status != "trained":
        raise UserError(f"{shown(run.folder)} is {manifest.status}; only trained adapters are merged")
    if not path.is_file():
        raise UserError(f"{shown(run.folder)} has no adapter; it is a model of its own")
    if run.start:
        raise UserError(f"{manifest.run} sits on the model of an earlier stage; adapters of one base are merged")
    return WeightedAdapter(run, manifest, weight, json.loads(path.read_bytes()))


def _check_fit(parts: Sequence[WeightedAdapter], kind: str) -> None:
    """Refuse adapters that PEFT would silently merge into something else than their sum."""
    first, *others = parts
    for each in parts:
        # PEFT's sum leaves out DoRA's magnitudes, and rsLoRA's scaling would be applied twice.
        for variant in ("use_dora", "use_rslora"):
            if each.config.get(variant):
                raise UserError(f"{each.manifest.run} was trained with {variant}; only plain LoRA can be merged")
    for other in others:
        names = f"{first.manifest.run} and {other.manifest.run}"
        for what in ALIKE:
            if first.manifest.hashes[what] != other.manifest.hashes[what]:
                raise UserError(f"{names} cannot be merged: each has a {what.replace('_', ' ')} of its own")
        ranks = first.config["r"], other.config["r"]
        if kind != "cat" and ranks[0] != ranks[1]:
            raise UserError(f"{names} have ranks {ranks[0]} and {ranks[1]}; {kind} needs equal ones, KIND=cat does not")


def _merge(parts: Sequence[WeightedAdapter], kind: str, density: float | None, folder: Path) -> None:
    recipe = _read_recipe(parts[0])
    prepare_libraries(find_base(recipe))
    # Here and not above: a mistyped name should not wait for torch.
    from recipebook.run.adapter import load_model, put_on
    from recipebook.run.norms import measure_adapter
    from recipebook.run.own_weights import check_own

    for part in parts:
        check_own(part.run, part.manifest, _read_recipe(part), part.folder)
    names = [f"part{at}" for at in range(len(parts))]
    model = load_model(find_base(recipe), recipe.model.revision, "float32")
    for name, part in zip(names, parts, strict=True):
        model = put_on(model, part.folder, name).model
    try:
        model.add_weighted_adapter(names, [part.weight for part in parts], "merged", kind, density=density)
    except ValueError as error:
        raise UserError(f"PEFT cannot merge these: {on_one_line(str(error))}") from None
    weights = " ".join(map(str, (part.weight for part in parts)))
    if not _is_finite(model):
        raise UserError(f"WEIGHTS: {weights}: their sum is not finite")
    norms = measure_adapter(model, "merged")
    if not any(norms.values()):
        raise UserError(f"WEIGHTS: {weights}: the merged adapter acts at no module: B·A is zero at all {len(norms)}")
    model.save_pretrained(str(folder), selected_adapters=["merged"])
    for path in (path for pattern in TOKENIZER for path in parts[0].folder.glob(pattern)):
        shutil.copyfile(path, folder / "merged" / path.name)
    write_text(folder / "merged" / "merged.json", json.dumps(_describe_merge(parts, kind, density), indent=1) + "\n")


def _is_finite(model: Any) -> bool:
    """Whether all weights of the merged adapter are numbers."""
    merged = (value for name, value in model.state_dict().items() if ".merged." in name)
    return all(bool(value.isfinite().all()) for value in merged)


def _read_recipe(part: WeightedAdapter) -> Recipe:
    return resolve(str(part.run.folder / "resolved.yaml"), None).recipe


def _describe_merge(parts: Sequence[WeightedAdapter], kind: str, density: float | None) -> dict[str, Any]:
    adapters = [
        {"run": part.manifest.run, "weight": part.weight, "digest": (part.manifest.weights or {})["digest"]}
        for part in parts
    ]
    return {"kind": kind, **({} if density is None else {"density": density}), "adapters": adapters}
