"""The recipe model and Axolotl's keys in; the JSON Schema that editors complete and check recipes by, out.

    # yaml-language-server: $schema=recipe.schema.json     (the first line of a recipe)

`python -m recipebook.recipe.editor_schema` writes recipes/recipe.schema.json.
"""

import copy
import json

from recipebook.files import write_text
from recipebook.project import INSTALLATION
from recipebook.recipe.axolotl_keys import RECIPE_KEYS, RUNNER_KEYS, snapshot
from recipebook.recipe.faults import recipe_schema
from recipebook.recipe.schema_walk import Schema

EDITOR_SCHEMA = INSTALLATION / "recipes" / "recipe.schema.json"


def render() -> str:
    """The schema's text; nothing in it is required, since profiles and recipes that extend others are partial."""
    schema = copy.deepcopy(recipe_schema())
    axolotl = snapshot()
    for section in (schema, *schema["$defs"].values()):
        section.pop("required", None)
    schema["$defs"] |= axolotl["$defs"]
    schema["properties"]["axolotl"] |= {"additionalProperties": False, "properties": _list_axolotl_keys(axolotl)}
    schema["properties"]["profiles"]["additionalProperties"] = {"$ref": "#"}
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _list_axolotl_keys(axolotl: Schema) -> Schema:
    keys = dict(axolotl["properties"])
    for plugin in axolotl["plugins"].values():
        keys |= plugin
    return {key: value for key, value in keys.items() if key not in RUNNER_KEYS and key not in RECIPE_KEYS}


if __name__ == "__main__":
    write_text(EDITOR_SCHEMA, render())
