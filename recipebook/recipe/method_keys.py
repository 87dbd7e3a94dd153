"""The keys of a recipe that each training method makes use of: a project's folder in; their names out.

    list_used_keys(PROJECT, "simpo")["preference"]  →  {"beta", "gamma"}

A method uses the keys that its template, or one that it includes, mentions as `recipe.preference.gamma`.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from jinja2 import TemplateError, nodes

from recipebook.project import locate
from recipebook.recipe.template_syntax import list_included, parse_template

SECTIONS = ("training", "preference", "rl")
# The key that names the template, so that no template mentions it.
CHOOSES = "method"


@functools.cache
def list_used_keys(root: Path, method: str) -> dict[str, frozenset[str]]:
    """The keys of each section that a method's template mentions; none where it cannot be read."""
    try:
        trees = list(_parse(root, f"{method}.yaml.j2"))
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


def _parse(root: Path, name: str) -> Iterator[nodes.Template]:
    text = locate(f"templates/{name}", root).read_text(encoding="utf-8")
    yield parse_template(text)
    for included in list_included(text):
        yield from _parse(root, included)


def _is_recipe(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Name) and node.name == "recipe"
