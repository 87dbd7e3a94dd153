"""The generated pages: up to date, complete, and written without torch."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from docs.generate import DOCS, GENERATED, ORDER, render_pages
from docs.keys_page import load_kinds, read_attribute_docstrings, render_recipe
from docs.metrics_page import find_formula, read_formulas
from eval.scoring.score import list_figures, load_metric
from recipebook.data.converter import find_converter
from recipebook.modules import CONVERTER, METRIC, list_names
from recipebook.project import PROJECT
from recipebook.recipe.keys import Recipe
from recipebook.recipe.stage_list import Head

PAGES = render_pages()
NUMBERS = ("integer", "number")
OPTIONS: dict[str, type[BaseModel]] = {
    **{f"converters/{name}.py": find_converter(name).options for name in list_names(CONVERTER)},
    **{f"eval/metrics/{name}.py": load_metric(name).Options for name in list_names(METRIC)},
    **{f"stages/{name}.py": module.Options for name, module in load_kinds().items()},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_make_docs_writes(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "make docs"


def test_all_has_every_page() -> None:
    pages = {path for path in DOCS.glob("*.md") if path.name != "all.md"}
    assert pages <= {(DOCS / name).resolve() for name in ORDER}
    assert set(GENERATED) <= set(ORDER)


def list_keys(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (schema, *schema.get("$defs", {}).values()):
        for key, value in part.get("properties", {}).items():
            yield f"{part['title']}.{key}", value


@pytest.mark.parametrize("model", [Recipe, Head])
def test_every_key_has_a_description_of_its_own(model: type[BaseModel]) -> None:
    keys = dict(list_keys(model.model_json_schema()))
    assert [key for key, value in keys.items() if len(value.get("description", "")) < 20] == []


@pytest.mark.parametrize("module", OPTIONS)
def test_every_option_has_a_description(module: str) -> None:
    below = read_attribute_docstrings(OPTIONS[module])
    keys = dict(list_keys(OPTIONS[module].model_json_schema()))
    assert [key for key, value in keys.items() if not value.get("description", below.get(key.partition(".")[2]))] == []


def test_every_number_has_a_unit() -> None:
    keys = dict(list_keys(Recipe.model_json_schema()))
    bare = []
    for key, value in keys.items():
        branches = [value, *value.get("anyOf", []), value.get("additionalProperties", {})]
        numbers = [one for one in branches if isinstance(one, dict) and one.get("type") in NUMBERS]
        bare += [key for one in [value, *numbers][1:] if "unit" not in one and "unit" not in value]
    # `where` selects by any value of a record.
    assert [key for key in bare if key != "Data.where"] == []


def test_every_key_of_a_recipe_is_in_its_page() -> None:
    page = render_recipe()
    schema = Recipe.model_json_schema()
    for key, _ in list_keys(schema):
        assert f"| `{key.partition('.')[2]}` |" in page, key


@pytest.mark.parametrize("name", list_names(METRIC))
def test_every_figure_has_a_formula(name: str) -> None:
    metric = load_metric(name)
    formulas = read_formulas(str(metric.__doc__))
    assert [figure for figure in list_figures(metric) if not find_formula(figure, formulas)] == []


def test_a_formula_is_of_the_figure_or_of_the_longest_pattern() -> None:
    formulas = read_formulas(
        "Figures.\n\n    *_f1     2 |M| / |P|\n             over all\n    a_*  1\n\n    code f(x)\n"
    )
    assert formulas == {"*_f1": "2 |M| / |P| over all", "a_*": "1"}
    assert [find_formula(name, formulas) for name in ("b_f1", "a_f1", "a_b", "c")] == ["2 |M| / |P| over all"] * 2 + [
        "1",
        "",
    ]


def test_pages_are_written_without_torch() -> None:
    script = (
        "import sys, docs.generate\ndocs.generate.render_pages()\n"
        "print('torch' in sys.modules, 'axolotl' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
