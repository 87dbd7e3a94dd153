"""A recipe's name, a profile and overrides in; the documents that are merged into the recipe out.

read_layers("robot-lora", "tiny", ["training.epochs=1"], PROJECT)
→ the file recipes/robot-lora.yaml with all that it extends, recipes/profiles/tiny.yaml, {"training": {"epochs": 1}}
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from recipebook.errors import UserError, on_one_line
from recipebook.modules import PROFILE, find
from recipebook.project import INSTALLATION, PROJECT, list_roots, shown
from recipebook.recipe.merging import merge_documents
from recipebook.recipe.places import Document, KeyPath, Place, Spot
from recipebook.recipe.yaml_source import load, parse_value
from recipebook.suggestions import offer, shorten

NOT_IN_PROFILES = {"extends", "profiles", "stages"}
# A name that ends so is a path.
ENDINGS = (".yaml", ".yml", ".json")
COMMAND_LINE = Spot(Place("SET"), Place("SET"))


@dataclass(frozen=True)
class Layers:
    """The layers that are merged into a recipe: the file with all that it extends, the profile, the overrides."""

    name: str
    source: Path
    root: Path
    recipe: Document
    profile_name: str | None
    profile: Document
    overrides: tuple[Document, ...]


def read_layers(name: str, profile: str | None, overrides: Iterable[str], root: Path) -> Layers:
    """Read all that a recipe is merged from."""
    source = find_recipe(name, root)
    recipe = Document({}, {})
    for document in _read_chain(source, root):
        merge_documents(recipe, document)
        recipe.places[()] = document.places[()]
    above = tuple(_read_override(override) for override in overrides)
    layers = Layers(_name_of(source, root), source, root, recipe, None, Document({}, {}), above)
    return set_profile(layers, profile) if profile else layers


def set_profile(layers: Layers, profile: str) -> Layers:
    """The same under another profile."""
    return replace(layers, profile_name=profile, profile=read_profile(profile, layers.root))


def list_recipes(root: Path = PROJECT) -> list[str]:
    """Every recipe's name; files that start with `_` are only there to be extended."""
    return sorted({name for each in list_roots(root) for name in list_own_recipes(each)})


def list_own_recipes(root: Path) -> list[str]:
    """The recipes in one folder's recipes/ alone."""
    folder = root / "recipes"
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml")]
    return sorted(name for name in names if not name.startswith("profiles/") and "/_" not in f"/{name}")


def find_recipe(name: str, root: Path = PROJECT) -> Path:
    """The file of a recipe, by name or by path; the project's own before that of the installation."""
    found = _list_found(name, root)
    if not found and "/" in name and name.endswith(ENDINGS):
        raise UserError(f"no file '{on_one_line(shown(Path(name)))}'")
    if not found:
        raise UserError(f"no recipe '{shorten(on_one_line(name))}' in recipes/{offer(name, list_recipes(root))}")
    return found[0]


def _list_found(name: str, root: Path) -> list[Path]:
    roots = list_roots(root)
    if name.endswith(ENDINGS):
        candidates = [Path(name), *(each / name for each in roots)]
    else:
        candidates = [each / "recipes" / f"{name}.yaml" for each in roots]
    return [path for path in candidates if is_file(path)]


def read_profile(name: str, root: Path) -> Document:
    """A profile: part of a recipe, in recipes/profiles."""
    path = find(PROFILE, name, root)
    document = load(path, format_path(path, root))
    for key in NOT_IN_PROFILES & document.data.keys():
        raise UserError(f"{document.places[(key,)].key}: a profile cannot have '{key}'")
    return document


def format_path(path: Path, root: Path) -> str:
    """A path as messages write it: from the project's folder, or from here."""
    absolute = path.absolute()
    for base in (root.absolute(), Path.cwd()):
        if absolute.is_relative_to(base):
            return str(absolute.relative_to(base))
    return str(path)


def is_file(path: Path) -> bool:
    """Whether a file exists; False too if no file can have this name."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _name_of(source: Path, root: Path) -> str:
    absolute = source.absolute()
    for folder in ((each / "recipes").absolute() for each in list_roots(root)):
        if absolute.is_relative_to(folder):
            return absolute.relative_to(folder).with_suffix("").as_posix()
    return source.stem


def _read_chain(source: Path, root: Path) -> list[Document]:
    """The recipe and all that it extends, the furthest first."""
    chain: list[Document] = []
    files: list[Path] = []
    place = Place("")
    while True:
        if (file := source.absolute()) in files:
            circle = [_name_of(each, root) for each in (*files[files.index(file) :], file)]
            raise UserError(f"{place}: extends goes in a circle: {' -> '.join(circle)}")
        document = load(source, format_path(source, root))
        chain.insert(0, document)
        files.append(file)
        base = document.data.get("extends")
        if not isinstance(base, str):
            return chain
        place = document.places[("extends",)].value
        source = _find_base(base, place, file, root)


def _find_base(name: str, place: Place, source: Path, root: Path) -> Path:
    """The recipe that `source` extends: a project's own `x` may extend the `x` that is shipped, and no shipped recipe
    extends one of a project."""
    if not source.is_relative_to(root.absolute()) and source.is_relative_to(INSTALLATION):
        root = INSTALLATION
    beside = source.parent / name
    found = [*_list_found(name, root), *([beside] if name.endswith(ENDINGS) and is_file(beside) else [])]
    try:
        return next((path for path in found if path.absolute() != source), None) or find_recipe(name, root)
    except UserError as error:
        raise UserError(f"{place}: extends: {error}") from error


def _read_override(text: str) -> Document:
    """`lora.r=8` as a document of its own."""
    dotted, equals, value = text.partition("=")
    path = tuple(dotted.split("."))
    if not equals or not all(path):
        hint = "" if equals else "; no blanks around ="
        raise UserError(f"SET: '{on_one_line(text)}' is not section.key=value{hint}")
    try:
        data = parse_value(value)
    except UserError as error:
        # A line and column within one argument would only confuse.
        raise UserError(f"SET: {on_one_line(dotted)}: {str(error).partition(' ')[2]}") from error
    for key in reversed(path):
        data = {key: data}
    return Document(data, dict.fromkeys(_list_paths(data, ()), COMMAND_LINE))


def _list_paths(value: Any, path: KeyPath) -> list[KeyPath]:
    if isinstance(value, dict):
        return [path, *(inner for key, item in value.items() for inner in _list_paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(inner for index, item in enumerate(value) for inner in _list_paths(item, (*path, index)))]
    return [path]
