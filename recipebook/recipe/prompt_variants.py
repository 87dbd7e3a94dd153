"""Variants of an evaluation's prompts: a YAML file that `eval.variants` names in; each variant by its name out.

    plain: {}                                   # the prompt as the row has it
    polite: {prompt: "Could you please: {prompt}"}
    terse: {system: "Answer with calls only."}

→ {"plain": PromptVariant(), "polite": PromptVariant(prompt="Could you please: {prompt}"), …}

Every row is answered under each of them. `prompt` is the text of the last user turn, in which `{prompt}` stands for the
row's own; `system` takes the place of the row's system turn, or is put first where it has none.
"""

import json
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from recipebook.errors import UserError
from recipebook.project import PROJECT, locate
from recipebook.recipe.faults import format_faults, list_invalid
from recipebook.recipe.schema_walk import find_faults
from recipebook.recipe.section import Name, Section
from recipebook.recipe.yaml_source import load

PLACE = "{prompt}"


class PromptVariant(Section):
    """One way to ask; without keys it is the row's own."""

    system: Name | None = Field(None, description="the system turn's text, in place of the row's own.")
    prompt: Name | None = Field(None, description="the last user turn's text, with `{prompt}` for the row's own.")

    @field_validator("prompt")
    @classmethod
    def _has_place(cls, prompt: str | None) -> str | None:
        if prompt is not None and PLACE not in prompt:
            raise ValueError(f"{prompt!r} has no {PLACE}, where the row's own text goes")
        return prompt


Variants = dict[Name, PromptVariant]
_VARIANTS: TypeAdapter[Variants] = TypeAdapter(Variants)


def read_variants(name: str | None, root: Path = PROJECT) -> Variants:
    """The variants in the file, in its order; none without a file. Each fault is a line of a UserError."""
    if name is None:
        return {}
    document = load(locate(name, root), name)
    schema = _VARIANTS.json_schema()
    faults = find_faults(document.data, schema, schema["$defs"])
    if not faults:
        try:
            found = _VARIANTS.validate_json(json.dumps(document.data), strict=True)
        except ValidationError as error:
            faults = list_invalid(error, ())
        else:
            if not found:
                raise UserError(f"{name}:1:1: no variant in it")
            return found
    raise UserError("\n".join(format_faults(faults, document.places)))
