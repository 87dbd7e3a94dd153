"""A recipe that trains an adapter further in; nothing out, or why that adapter cannot be the recipe's, with the place.

    recipes/more.yaml:3:12: lora.r: 8, but the adapter in runs/robot-lora-20261121-093000/model has 32

The engine would silently keep the adapter's own shape, and put it on any base whose modules have the same sizes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.project import locate, shown
from recipebook.recipe.base_model import find_base
from recipebook.recipe.faults import format_faults
from recipebook.recipe.keys import AdapterOf, Recipe
from recipebook.recipe.places import place_of
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.schema_walk import Fault, dotted
from recipebook.recipe.training_keys import Lora
from recipebook.run.adapter_names import SCALES
from recipebook.run.begun import Begun, find_begun, list_lineage
from recipebook.run.checkpoints import read_shapes
from recipebook.run.provenance import digest_base, digest_chat_template, digest_model, sample_base
from recipebook.train.shapes import find_shape

PATH = ("model", "adapter")


def check_begun(resolved: Resolved) -> None:
    """Refuse an adapter that is not there, has another shape than the recipe, or was trained on another base."""
    recipe = resolved.recipe
    if recipe.model.adapter is None or recipe.stages:
        return
    try:
        _refuse_itself(resolved)
        begun = find_begun(recipe)
    except UserError as error:
        raise UserError(f"{place_of(resolved.places, PATH)}: {dotted(PATH)}: {error}") from None
    if begun and (faults := [*_find_shape_faults(begun, recipe), *_find_base_faults(begun, recipe)]):
        raise UserError(format_faults(faults[:1], resolved.places)[0])


def format_begun(recipe: Recipe) -> str:
    """The adapter in a few words; empty where training begins with a new one."""
    begun = find_begun(recipe)
    if begun is None:
        return ""
    config, earlier = begun.config, len(list_lineage(begun))
    shape = f"r {config.get('r')}, alpha {config.get('lora_alpha')} on {', '.join(sorted(begun.targets))}"
    trainings = f"; {earlier} trainings before this one" if earlier > 1 else ""
    return f"trains {shown(begun.folder)} further ({shape}, digest {begun.digest}){trainings}"


def _refuse_itself(resolved: Resolved) -> None:
    named = resolved.recipe.model.adapter
    # A member or a stage of it has its name behind the recipe's.
    if isinstance(named, AdapterOf) and resolved.name in (named.run, named.run.rpartition("/")[0]):
        raise UserError(
            f"'{named.run}' is this recipe itself: each command would train its newest run further; name a run in full"
        )


def _find_shape_faults(begun: Begun, recipe: Recipe) -> Iterator[Fault]:
    assert recipe.lora is not None  # the keys refuse it otherwise
    has = f"but the adapter in {shown(begun.folder)} has"
    for key, own, other in _list_settings(begun, recipe, recipe.lora):
        if own != other:
            yield Fault(key, False, f"{dotted(key)}: {_format_value(own)}, {has} {_format_value(other)}")


def _list_settings(begun: Begun, recipe: Recipe, lora: Lora) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The recipe's keys of an adapter, each with the recipe's value and the adapter's."""
    config = begun.config
    yield ("lora", "r"), lora.r, config.get("r")
    yield ("lora", "alpha"), lora.alpha, config.get("lora_alpha")
    wanted = _list_targets(recipe, lora)
    if wanted is not None:
        yield ("lora", "target_modules"), sorted(wanted), sorted(begun.targets)
    yield ("lora", "dropout"), lora.dropout, config.get("lora_dropout", 0.0)
    for name, key, default in SCALES[1:]:
        yield ("axolotl", key), recipe.axolotl.get(key) or default, config.get(name) or default


def _list_targets(recipe: Recipe, lora: Lora) -> frozenset[str] | None:
    """The layers that the recipe targets; None where those of `all-linear` are not known."""
    if lora.target_modules != "all-linear":
        return frozenset(lora.target_modules)
    modules = _list_base_modules(recipe)
    return frozenset(name.rpartition(".")[2] for name in modules) if modules else None


def _find_base_faults(begun: Begun, recipe: Recipe) -> Iterator[Fault]:
    """A base that is not the adapter's, by what its run recorded, by its name, or by the sizes of its modules."""
    path, name = ("model", "base"), recipe.model.base
    if begun.owner:
        yield from _find_recorded_faults(begun, recipe)
    elif (trained_on := str(begun.config.get("base_model_name_or_path") or "")) and _is_other(trained_on, recipe):
        yield Fault(path, False, f"{dotted(path)}: {name}, but {shown(begun.folder)} was trained on {trained_on}")
    modules = _list_base_modules(recipe)
    for module, sizes in begun.modules.items() if modules else ():
        known = modules.get(module) or modules.get(module.rpartition(".")[2])
        if known != sizes:
            has = "does not have it" if known is None else f"has {known[0]} to {known[1]}"
            fault = f"{module} is {sizes[0]} to {sizes[1]} in {shown(begun.folder)}, and the base {has}"
            yield Fault(path, False, f"{dotted(path)}: {name}: {fault}")


def _find_recorded_faults(begun: Begun, recipe: Recipe) -> Iterator[Fault]:
    assert begun.owner is not None
    manifest, where = begun.owner.read(), shown(begun.folder)
    if begun.owner.start:
        fault = f"{where} sits on {shown(begun.owner.start)}, and not on a base that a recipe can name"
        yield Fault(PATH, False, f"{dotted(PATH)}: {fault}")
    now = {"base": digest_base(recipe), "base_weights": sample_base(recipe)}
    if any(manifest.hashes.get(key) not in (None, found) for key, found in now.items()):
        before = manifest.base or "another base"
        same = " as it was then" if before == recipe.model.base else ""
        fault = f"{recipe.model.base}, but {where} was trained on {before}{same}"
        yield Fault(("model", "base"), False, f"model.base: {fault}")
    if manifest.hashes.get("chat_template") not in (None, digest_chat_template(recipe)):
        fault = f"{where} was trained with another chat template than {recipe.model.chat_template}"
        yield Fault(("model", "chat_template"), False, f"model.chat_template: {fault}")


def _is_other(trained_on: str, recipe: Recipe) -> bool:
    """Whether a base that an adapter names is known to be another than the recipe's; a folder may be gone."""
    ours, theirs = find_base(recipe), locate(trained_on)
    if theirs.is_dir():
        return not isinstance(ours, Path) or digest_model(theirs) != digest_model(ours)
    # A name on the hub is an owner's and a model's: any other text is a folder of another machine.
    is_name = trained_on.count("/") == 1 and not trained_on.startswith(("/", ".", "~"))
    return isinstance(ours, str) and is_name and trained_on != ours


def _list_base_modules(recipe: Recipe) -> dict[str, tuple[int, int]]:
    """The inputs and outputs of the base's layers, by name; those of a known model on the hub by their last part."""
    base = find_base(recipe)
    if isinstance(base, str):
        shape = find_shape(base)
        return dict(shape.modules) if shape else {}
    return {
        name.removesuffix(".weight"): (size[1], size[0])
        for path in sorted(base.glob("*.safetensors"))
        for name, size in (read_shapes(path) or {}).items()
        # Layers have numbers; the embedding and the output layer have none.
        if name.endswith(".weight") and len(size) == 2 and any(part.isdigit() for part in name.split("."))
    }


def _format_value(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
