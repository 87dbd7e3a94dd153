"""The recipes of docs/projects.md are sound as far as they go."""

import re

import pytest

from recipebook.project import INSTALLATION
from recipebook.recipe.faults import find_recipe_faults
from recipebook.recipe.yaml_source import parse

PAGE = INSTALLATION / "docs" / "projects.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_a_recipe_of_the_page_has_no_fault(text: str) -> None:
    assert find_recipe_faults(parse(text, "docs/projects.md").data, part=True) == []


def test_there_are_recipes() -> None:
    assert len(BLOCKS) == 4
