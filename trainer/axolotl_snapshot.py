"""The installed Axolotl in, and this project's plugins; the JSON Schema of its YAML out, lean and in a stable order.

    {"axolotl": "0.19.0", "properties": {"seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]}, ...},
     "$defs": {...}, "plugins": {"axolotl.integrations.liger.LigerPlugin": {"liger_rope": {...}}},
     "optimizers": ["adafactor", "adamw_torch", ...]}

`axolotl config-schema` cannot do this: it falls back to a flat list of names, since torch's dtypes are no JSON.
This module imports Axolotl and torch, so nothing imports it: `python -m trainer.axolotl_snapshot` writes the snapshot.
"""

import importlib
import importlib.metadata
import inspect
import json
import pkgutil
from typing import Any

from axolotl import integrations
from axolotl.integrations.base import BasePlugin
from axolotl.utils.schemas.config import AxolotlInputConfig
from axolotl.utils.schemas.enums import CustomSupportedOptimizers
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from transformers.training_args import OptimizerNames

import trainer
from recipebook.files import write_text
from recipebook.recipe.axolotl_keys import SNAPSHOT

# Words for people, and `default`: a check needs neither.
LEFT_OUT = {"title", "description", "default", "examples", "help", "deprecated"}


def take_snapshot() -> str:
    """The snapshot's text; the same Axolotl gives the same bytes."""
    schema = _schema_of(AxolotlInputConfig)
    snapshot = {
        "axolotl": importlib.metadata.version("axolotl"),
        "properties": schema["properties"],
        "$defs": schema["$defs"],
        "plugins": _plugin_keys(schema["$defs"]),
        # In its schema any text is an optimizer, and the trainer refuses it once the model is loaded.
        "optimizers": sorted({name.value for names in (OptimizerNames, CustomSupportedOptimizers) for name in names}),
    }
    return json.dumps(snapshot, indent=1, sort_keys=True) + "\n"


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with names for the members of enums that JSON cannot hold."""

    def enum_schema(self, schema: Any) -> dict[str, Any]:
        members = schema["members"]
        if all(isinstance(member.value, str | int) for member in members):
            return super().enum_schema(schema)
        # Axolotl's own validators take these two spellings as well.
        return {"type": "string", "enum": [*(member.name for member in members), "fp8", "float8"]}

    def encode_default(self, dft: Any) -> Any:
        return None


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Generator)
    # Axolotl takes a field by its alias and by its name.
    by_name = model.model_json_schema(schema_generator=_Generator, by_alias=False)
    schema["properties"] = by_name["properties"] | schema["properties"]
    lean: dict[str, Any] = _strip(schema)
    lean.setdefault("$defs", {})
    for definition in lean["$defs"].values():
        # Axolotl drops what it does not know: here that is an error.
        if "properties" in definition:
            definition["additionalProperties"] = False
    return lean


def _strip(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strip(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, part in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: _strip(inner) for name, inner in part.items()}
        elif key not in LEFT_OUT:
            kept[key] = _strip(part)
    return kept


def _plugin_keys(definitions: dict[str, Any]) -> dict[str, Any]:
    keys = {}
    packages = (integrations, trainer)
    modules = [found.name for kin in packages for found in pkgutil.iter_modules(kin.__path__, kin.__name__ + ".")]
    for module in modules:
        for name, plugin in inspect.getmembers(_import(module), _is_plugin):
            arguments = plugin().get_input_args()
            if arguments:
                place, _, model = arguments.rpartition(".")
                schema = _schema_of(getattr(importlib.import_module(place), model))
                definitions |= schema["$defs"]
                keys[f"{module}.{name}"] = schema["properties"]
    return keys


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        # A plugin that needs a package which the lock does not hold cannot be used either.
        return None


def _is_plugin(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, BasePlugin)


if __name__ == "__main__":
    write_text(SNAPSHOT, take_snapshot())
