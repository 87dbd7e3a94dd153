"""The page of other tools' names: what it gives as ours is a key of recipes."""

import re
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel

from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe

PAGE = PROJECT / "docs" / "from-other-tools.md"


def list_keys(section: type[BaseModel], above: str = "") -> Iterator[str]:
    """`training`, `training.epochs`, …: the names of all sections and keys."""
    for name, field in section.model_fields.items():
        yield above + name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from list_keys(kind, f"{above}{name}.")


def test_every_key_that_stands_for_another_tools_name_is_a_recipes() -> None:
    known = {*list_keys(Recipe)}
    assert {"axolotl", "training.epochs", "data.split.test"} <= known
    text = PAGE.read_text(encoding="utf-8").partition("## Files that")[0]
    ours = re.findall(
        r"`([a-z_.]+)(?:: [^`]*)?`", "\n".join(line.split("|")[-2] for line in text.splitlines() if "|" in line)
    )
    dotted = [name for name in ours if "." in name and not name.endswith((".md", ".yaml"))]
    assert len(dotted) > 30
    assert [name for name in dotted if name not in known] == []
