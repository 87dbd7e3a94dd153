"""Keys of a recipe that its method makes no use of: a resolved recipe in, a fault for each out.

    preference: {gamma: 0.5}     recipes/x.yaml:12:3: gamma under preference has no effect with the method dpo;
                                 it has with: simpo

A method uses the keys that its template, or one that it includes, mentions as `recipe.preference.gamma`.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, TemplateError, meta, nodes

from recipebook.modules import TEMPLATE, list_names
from recipebook.recipe.resolve import Resolved
from recipebook.recipe.schema_walk import Fault

SECTIONS = ("training", "preference")
# The key that names the template, so that no template mentions it.
CHOOSES = "method"


def find_unused_keys(resolved: Resolved) -> Iterator[Fault]:
    """A fault for each value that differs from the default and changes nothing.

    A section is not checked if the method uses none of its keys, nor in a stage a key that is set for all stages:
    they may be there for another method.
    """
    recipe, folder = resolved.recipe, resolved.root / "templates"
    method = recipe.training.method
    for name in SECTIONS:
        section = getattr(recipe, name)
        used = list_used_keys(folder, method)[name]
        for key in sorted(section.model_fields_set):
            default = type(section).model_fields[key].default
            if (name, key) in resolved.inherited or key == CHOOSES:
                continue
            if used and key not in used and getattr(section, key) != default:
                methods = list_names(TEMPLATE, resolved.root)
                others = [other for other in methods if key in list_used_keys(folder, other)[name]]
                text = f"{key} under {name} has no effect with the method {method}"
                yield Fault((name, key), True, f"{text}; it has with: {', '.join(others) or 'none'}")


@functools.cache
def list_used_keys(folder: Path, method: str) -> dict[str, frozenset[str]]:
    """The keys of each section that a method's template mentions; none where it cannot be read."""
    try:
        trees = list(_parse(folder, f"{method}.yaml.j2"))
    except (OSError, ValueError, TemplateError):
        return dict.fromkeys(SECTIONS, frozenset())
    return {
        section: frozenset(
            node.attr
            for tree in trees
            for node in tree.find_all(nodes.Getattr)
            if isinstance(node.node, nodes.Getattr) and node.node.attr == section and _is_recipe(node.node.node)
        )
        for section in SECTIONS
    }


def _parse(folder: Path, name: str) -> Iterator[nodes.Template]:
    tree = Environment(autoescape=False).parse((folder / name).read_text(encoding="utf-8"))
    yield tree
    for included in meta.find_referenced_templates(tree):
        if included:
            yield from _parse(folder, included)


def _is_recipe(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Name) and node.name == "recipe"
