"""A resolved recipe in; nothing out, or an error for every file that it names and that does not exist.

    recipes/x.yaml:9:14: no converter 'robto' in converters/; did you mean 'robot'? it has: echo, robot

A recipe names files by their bare names: converters/<name>.py, eval/metrics/<name>.py, templates/<name>.yaml.j2,
templates/chat/<name>.jinja. The options of a converter or metric are checked against its own `Options`.
"""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import TemplateSyntaxError
from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError
from recipebook.modules import (
    AUTO,
    CHAT_TEMPLATE,
    CONVERTER,
    EXPORT,
    METRIC,
    SERVICE,
    STAGE,
    TEMPLATE,
    Kind,
    describe_missing,
    find,
    list_names,
    load,
)
from recipebook.project import list_roots, locate
from recipebook.recipe import axolotl_keys
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.faults import format_faults, list_invalid
from recipebook.recipe.figures import find_main_fault
from recipebook.recipe.layers import format_path, is_file
from recipebook.recipe.matrix_faults import find_matrix_faults
from recipebook.recipe.places import KeyPath
from recipebook.recipe.prompt_variants import read_variants
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.schema_walk import Fault, Schema, dotted, find_faults, resolve_reference
from recipebook.recipe.template_syntax import list_included
from recipebook.sources.inputs import MADE, find_inputs, names_one_file
from recipebook.suggestions import offer, quote, suggest


def check_references(resolved: Resolved, made: Sequence[str] = ()) -> None:
    """Refuse a recipe that names a file, module or template which is not there or cannot be read.

    `made` are the stages whose rows it may read.
    """
    lines = format_faults(find_reference_faults(resolved, made), resolved.places)
    lines += [line for path in _used_templates(resolved) for line in check_template(path, resolved.root)]
    if lines:
        raise UserError("\n".join(lines))


def find_kind_faults(root: Path, kind: str, given: Any, path: KeyPath) -> list[Fault]:
    """What is wrong with the options of a stage of some kind; `path` is where they are written."""
    if given is not None and not isinstance(given, dict):
        return [Fault(path, False, f"{kind}: {quote(given)} is not a mapping of options")]
    return list(find_options_faults(root, STAGE, kind, given or {}, path, path))


def check_template(path: Path, root: Path) -> list[str]:
    """The faults of a template, one line each: syntax that Jinja cannot parse, included files that do not exist."""
    label = format_path(path, root)
    try:
        wanted = list_included(path.read_text(encoding="utf-8"))
    except TemplateSyntaxError as error:
        return [f"{label}:{error.lineno}: {error.message}"]
    except UnicodeDecodeError as error:
        return [f"{label}: {error.reason} at byte {error.start}"]
    missing = [name for name in wanted if not is_file(locate(f"templates/{name}", root))]
    return [f"{label}: no template '{name}' in templates/{offer(name, _list_includable(root))}" for name in missing]


def _list_includable(root: Path) -> list[str]:
    folders = [each / "templates" for each in list_roots(root)]
    return sorted({path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*.j2")})


def find_reference_faults(resolved: Resolved, made: Sequence[str]) -> Iterator[Fault]:
    """What is wrong with the names and options in a recipe, but for its templates."""
    recipe, root = resolved.recipe, resolved.root
    for key in ("source", "validation", "test"):
        yield from _find_source(root, getattr(recipe.data, key), ("data", key), made)
    path: KeyPath = ("data", "converter")
    if recipe.data.converter == AUTO:
        # Only the records decide which converter it is, and so whose options these are.
        pass
    elif missing := describe_missing(CONVERTER, recipe.data.converter, root):
        yield Fault(path, False, missing)
    else:
        yield from find_options_faults(
            root, CONVERTER, recipe.data.converter, recipe.data.options, path, ("data", "options")
        )
    yield from _find_metric_faults(recipe.eval, root)
    yield from _find_variants(recipe.eval.variants, root)
    yield from _find_missing(resolved)
    yield from find_matrix_faults(recipe)


def _find_metric_faults(evaluation: Evaluation, root: Path) -> Iterator[Fault]:
    """What is wrong with the metrics and their options; the main figure is looked at where nothing else is."""
    faults: list[Fault] = []
    for name, options in evaluation.metrics.items():
        path: KeyPath = ("eval", "metrics", name)
        if missing := describe_missing(METRIC, name, root):
            faults.append(Fault(path, True, missing))
        else:
            faults += find_options_faults(root, METRIC, name, options, path, path)
    yield from faults
    if not faults and (wrong := find_main_fault(evaluation.main, evaluation.metrics, root)):
        yield Fault(("eval", "main"), False, f"eval.main: {wrong}")


def _find_variants(name: str | None, root: Path) -> Iterator[Fault]:
    """A file of prompt variants that is not there or cannot be used."""
    path: KeyPath = ("eval", "variants")
    if missing := list(_find_file(root, name, path)):
        yield from missing
        return
    try:
        read_variants(name, root)
    except UserError as error:
        yield from (Fault(path, False, line) for line in str(error).splitlines())


def _find_missing(resolved: Resolved) -> Iterator[Fault]:
    """The extensions without options of their own that the recipe names and that are not there."""
    recipe, root = resolved.recipe, resolved.root
    if missing := describe_missing(TEMPLATE, recipe.training.method, root):
        yield Fault(("training", "method"), False, missing)
    if missing := describe_missing(CHAT_TEMPLATE, recipe.model.chat_template, root, also=("tokenizer",)):
        yield Fault(("model", "chat_template"), False, missing)
    optimizer, optimizers = recipe.training.optimizer, axolotl_keys.snapshot()["optimizers"]
    if optimizer not in optimizers:
        hint = suggest(optimizer, optimizers) or "; adamw_torch is the usual one"
        yield Fault(("training", "optimizer"), False, f"training.optimizer: Axolotl has no '{optimizer}'{hint}")
    if recipe.remote:
        for kind, key in ((SERVICE, "service"), (EXPORT, "form")):
            if missing := describe_missing(kind, getattr(recipe.remote, key), root):
                yield Fault(("remote", key), False, missing)


def _used_templates(resolved: Resolved) -> list[Path]:
    recipe, root = resolved.recipe, resolved.root
    used = ((TEMPLATE, recipe.training.method), (CHAT_TEMPLATE, recipe.model.chat_template))
    return [find(kind, name, root) for kind, name in used if name in list_names(kind, root)]


def _find_source(root: Path, name: str | None, path: KeyPath, made: Sequence[str]) -> Iterator[Fault]:
    if name is not None and name.startswith(MADE):
        stage = name.removeprefix(MADE)
        if stage not in made:
            yield Fault(path, False, f"no earlier stage '{stage}' that makes rows{offer(stage, list(made))}")
        return
    if name is None or names_one_file(name, root):
        yield from _find_file(root, name, path)
        return
    try:
        find_inputs(name, root)
    except UserError as error:
        yield Fault(path, False, str(error))


def _find_file(root: Path, name: str | None, path: KeyPath) -> Iterator[Fault]:
    if name is None or is_file(locate(name, root)):
        return
    try:
        near = sorted(format_path(other, root) for other in (root / name).parent.iterdir())
    except (OSError, ValueError):
        near = []
    yield Fault(path, False, f"no file '{name}'{suggest(name, near)}")


def find_options_faults(
    root: Path, kind: Kind, name: str, given: dict[str, Any], named_at: KeyPath, path: KeyPath
) -> Iterator[Fault]:
    """What is wrong with the options of an extension, which stand at `path`; it is named at `named_at`."""
    try:
        module = load(kind, name, root)
        options: type[BaseModel] = module.Options
    except Exception as error:  # whatever a module of the user's does on import
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        yield Fault(named_at, False, f"{kind.folder}/{name}{kind.ending} cannot be used: {reason}")
        return
    schema = _describe(options)
    faults = find_faults(given, schema, schema.get("$defs", {}), path)
    if not faults:
        try:
            options.model_validate(given)
        except ValidationError as error:
            faults = list_invalid(error, path)
    for key, value in given.items():
        if isinstance(value, str) and _is_path(schema.get("properties", {}).get(key, {}), schema):
            faults += _find_file(root, value, (*path, key))
    if not faults and hasattr(module, "check"):
        problem = _check_files(module, options.model_validate(given).model_dump_json(), root)
        faults += [Fault(path, False, f"{dotted(path)}: {problem}")] if problem else []
    yield from faults


@functools.cache
def _check_files(module: ModuleType, options: str, root: Path) -> str | None:
    """What is wrong with the files that a module's options name; cached, since profiles share them."""
    try:
        module.check(module.Options.model_validate_json(options), root)
    except UserError as error:
        return str(error)
    return None


@functools.cache
def _describe(options: type[BaseModel]) -> Schema:
    return options.model_json_schema()


def _is_path(schema: Schema, whole: Schema) -> bool:
    branches = [resolve_reference(branch, whole.get("$defs", {})) for branch in schema.get("anyOf", [schema])]
    return any(branch.get("format") in ("path", "file-path") for branch in branches)
