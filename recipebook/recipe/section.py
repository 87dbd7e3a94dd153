"""What the sections of a recipe have in common.

    class Lora(Section):
        r: Positive = 32
        dropout: Share = 0.05

`{r: 0}` is refused for its value, `{rr: 8}` for its key.
"""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from recipebook.frozen import Frozen
from recipebook.recipe.schema_walk import MOST


def measured_in(unit: str) -> Any:
    """The unit of a number, for the pages of docs/."""
    return Field(json_schema_extra={"unit": unit})


Share = Annotated[float, Field(ge=0, lt=1), measured_in("share")]
Positive = Annotated[int, Field(gt=0, le=MOST)]
Count = Annotated[int, Field(ge=0, le=MOST)]
# NumPy takes no other seeds.
Seed = Annotated[int, Field(ge=0, lt=2**32), measured_in("any number")]
Name = Annotated[str, StringConstraints(min_length=1)]


class Section(Frozen):
    """A part of a recipe: cannot be changed once read, and has no room for a misspelt key."""

    model_config = ConfigDict(allow_inf_nan=False)
