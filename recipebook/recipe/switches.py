"""Keys that another key of the recipe switches off: a resolved recipe in, an error that names each of them out.

    training: {scheduler: constant, warmup_ratio: 0.2}

    recipes/x.yaml:9:36: warmup_ratio under training has no effect with training.scheduler: constant;
                         it has with: constant_with_warmup, cosine, linear

A value at its default is never refused: a recipe as it was run names all keys. Neither is a key that a recipe sets for
all its stages, nor one that is written in another file than the key that switches it off, or outside the profile that
does: a profile, or a recipe that extends another, may switch off keys that were meant for others.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from recipebook.errors import UserError
from recipebook.modules import METRIC, TEMPLATE, list_names, load
from recipebook.project import locate
from recipebook.recipe.faults import format_faults
from recipebook.recipe.keys import Recipe
from recipebook.recipe.layers import COMMAND_LINE
from recipebook.recipe.method_keys import CHOOSES, list_used_keys
from recipebook.recipe.places import KeyPath
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.schema_walk import Fault, dotted

PAIRS = "preference"
# Sections of which most methods use nothing.
OF_METHODS = (PAIRS, "rl")
# It trains for as many steps as its collections have.
PLAYS = "grpo"
GENERATION = ("eval", "generation")
# Without a metric that reads answers none are generated.
GENERATING = ("max_new_tokens", "temperature", "top_p", "samples", "seed", "engine")


class Switch(NamedTuple):
    """Keys without an effect, the key and value that switch them off, and the values that do not.

    `anywhere`: the keys are refused in every file, not only in that of the key that switches them off.
    """

    keys: tuple[KeyPath, ...]
    by: KeyPath
    value: str
    good: str
    anywhere: bool = False


def check_switches(resolved: Resolved, more: Iterable[Switch] = ()) -> None:
    """Refuse a recipe with a key that another key switches off; with stages, a key may be meant for any of them."""
    if resolved.recipe.stages:
        return
    switches = [*list_switches(resolved.recipe, resolved.root), *more]
    if lines := format_faults(find_switched_off(resolved, switches), resolved.places):
        raise UserError("\n".join(lines))


def find_switched_off(resolved: Resolved, switches: Iterable[Switch]) -> Iterator[Fault]:
    """A fault for each key that is written, differs from its default and changes nothing."""
    for switch in switches:
        for path in switch.keys:
            if _must_act(resolved, path, switch):
                under = f" under {dotted(path[:-1])}" if path[:-1] else ""
                fault = f"{path[-1]}{under} has no effect with {dotted(switch.by)}: {switch.value}"
                yield Fault(path, True, f"{fault}; it has with: {switch.good}")


def list_switches(recipe: Recipe, root: Path) -> Iterator[Switch]:
    """The switches that the recipe's values set."""
    yield from _list_training_switches(recipe)
    yield from _list_method_switches(recipe, root)
    yield from _list_split_switches(recipe)
    yield from _list_evaluation_switches(recipe, root)
    if _is_folder(root, recipe.model.base):
        base = f"{recipe.model.base}, a folder"
        yield Switch((("model", "revision"),), ("model", "base"), base, "a model's name on the hub")


def _list_training_switches(recipe: Recipe) -> Iterator[Switch]:
    section, training = ("training",), recipe.training
    if training.global_batch:
        value = str(training.global_batch)
        yield Switch(((*section, "gradient_accumulation"),), (*section, "global_batch"), value, "null")
    # A share of 0 says what is so.
    if training.scheduler == "constant" and training.warmup_ratio:
        others = "constant_with_warmup, cosine, linear"
        yield Switch(_name(section, "warmup_ratio"), ("training", "scheduler"), "constant", others)
    if training.packing in (True, "records"):
        value = "true" if training.packing is True else "records"
        yield Switch(_name(section, "group_by_length"), ("training", "packing"), value, "auto, false")
    if training.packing in (True, False):
        yield Switch(
            _name(section, "pack_length"), ("training", "packing"), str(training.packing).lower(), "auto, records"
        )
    if training.max_steps:
        yield Switch(_name(section, "epochs"), ("training", "max_steps"), str(training.max_steps), "null")
    elif training.method == PLAYS:
        yield Switch(
            _name(section, "epochs"), ("training", CHOOSES), PLAYS, "another method; rl.collections is its own"
        )
    if not (recipe.data.validation or recipe.data.split.file or recipe.data.split.validation):
        by, good = ("data", "split", "validation"), "a share above 0, or a source in data.validation"
        yield Switch(_name(section, "eval_steps"), by, "0", good)


def _list_method_switches(recipe: Recipe, root: Path) -> Iterator[Switch]:
    """A method ignores the keys that its template does not mention; one that learns from pairs, `eval.turns` too."""
    by, method = ("training", CHOOSES), recipe.training.method
    used = {name: list_used_keys(root, name) for name in list_names(TEMPLATE, root)}
    for section, keys in used.get(method, {}).items():
        if not keys and section not in OF_METHODS:
            # Nothing is known of a template that cannot be read, or that names every setting itself.
            continue
        for key in type(getattr(recipe, section)).model_fields.keys() - keys - {CHOOSES}:
            others = ", ".join(name for name in used if key in used[name][section]) or "none"
            yield Switch(_name((section,), key), by, method, others, anywhere=bool(keys))
    if method in used and used[method][PAIRS]:
        others = ", ".join(name for name, keys in used.items() if not keys[PAIRS])
        yield Switch(_name(("eval",), "turns"), by, f"{method}, which learns from pairs", others)


def _list_split_switches(recipe: Recipe) -> Iterator[Switch]:
    data, section, parts = recipe.data, ("data", "split"), ("validation", "test")
    own = [part for part in parts if getattr(data, part) is not None]
    # A share of 0 is true as it is written.
    shares = [part for part in parts if getattr(data.split, part)]
    for part in (part for part in own if part in shares):
        yield Switch(_name(section, part), ("data", part), str(getattr(data, part)), "null")
    if data.split.file is not None:
        # Weights draw by the same seed.
        keys = _name(section, *shares, *([] if data.weights else ["seed"]))
        yield Switch(keys, (*section, "file"), data.split.file, "null")
    elif not set(shares) - set(own) and not data.weights:
        by = ("data", own[0]) if own else (*section, "test")
        yield Switch(_name(section, "seed"), by, str(getattr(data, own[0])) if own else "0", "a share above 0")


def _list_evaluation_switches(recipe: Recipe, root: Path) -> Iterator[Switch]:
    metrics = recipe.eval.metrics
    if metrics and all(hasattr(load(METRIC, name, root), "MEASURES") for name in metrics):
        good = "a metric that reads answers, such as text"
        yield Switch(_name(GENERATION, *GENERATING), ("eval", "metrics"), ", ".join(metrics), good)
    elif not recipe.eval.generation.temperature:
        yield Switch(_name(GENERATION, "top_p", "seed"), (*GENERATION, "temperature"), "0", "a number above 0")


def _name(section: KeyPath, *keys: str) -> tuple[KeyPath, ...]:
    return tuple((*section, key) for key in keys)


def _is_folder(root: Path, name: str) -> bool:
    try:
        return locate(name, root).is_dir()
    except (OSError, ValueError):
        return False


def _must_act(resolved: Resolved, path: KeyPath, switch: Switch) -> bool:
    """Whether the key is written, with another value than its default, where it must have an effect."""
    places = resolved.places
    if path not in places or path in resolved.inherited or not _differs(resolved.recipe, path):
        return False
    ours, theirs = places[path], places.get(switch.by)
    if switch.anywhere or theirs is None or ours == COMMAND_LINE:
        return True
    in_profiles = {spot for known, spot in places.items() if known[:1] == ("profiles",)}
    return ours.value.file == theirs.value.file and (theirs not in in_profiles or ours in in_profiles)


def _differs(recipe: Recipe, path: KeyPath) -> bool:
    section: Any = recipe
    for key in path[:-1]:
        section = getattr(section, str(key))
    if section is None:
        return False
    default = type(section).model_fields[str(path[-1])].get_default(call_default_factory=True)
    value = getattr(section, str(path[-1]))
    # Where nothing makes use of a key that may be switched on by itself, it is off, and to say so is no mistake.
    return bool(value != default and not (default == "auto" and value in (False, 0)))
