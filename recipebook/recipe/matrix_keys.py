"""The section `matrix` of a recipe, which makes it a recipe for many; recipebook/fleet/expand.py makes its members.

matrix:
  values: {data.where.persona_id: {column: persona_id}, lora.r: [8, 16]}
  name: "{persona_id}-r{r}"
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from recipebook.recipe.section import Name, Positive, Section


class Column(Section):
    """A value for each that a field of the data's records has."""

    column: Name = Field(description="a field of every record of data.source")


class Files(Section):
    """A value for each file."""

    files: Name = Field(description="a glob, from the project's folder")


class Range(Section):
    """Numbers drawn at random; for `search`."""

    low: float
    high: float
    scale: Literal["log", "linear"] = "log"

    @model_validator(mode="after")
    def _can_draw(self) -> Self:
        if self.low >= self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"low: {self.low} to high: {self.high} is no range to draw from on a {self.scale} scale")
        return self


class Search(Section):
    """Members drawn at random, in place of every combination."""

    random: Positive = Field(description="how many")
    seed: int = 42


class Matrix(Section):
    """A recipe for many adapters: a member for every combination of values (recipebook/fleet/expand.py)."""

    values: dict[Name, tuple[Any, ...] | Column | Files | Range] = Field(
        min_length=1, description="keys of the recipe, such as training.learning_rate, and the values that each takes"
    )
    name: Name | None = Field(
        None, description="such as '{pole}-r{r}', by the keys' last words; None: all values, joined by -"
    )
    search: Search | None = None
    include: tuple[dict[Name, Any], ...] = Field((), description="members more, each with all keys of values")
    exclude: tuple[dict[Name, Any], ...] = Field((), description="combinations that are left out, by some of the keys")
    min_rows: Annotated[int, Field(ge=0)] = Field(0, description="members with fewer train rows are left out")
    attempts: Positive = Field(2, description="times that a member which fails is tried")
    vote: bool = Field(False, description="evaluated beside its members: what most of them answer")
