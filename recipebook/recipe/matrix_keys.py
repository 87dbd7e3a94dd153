"""The section `matrix` of a recipe, which makes it a recipe for many; recipebook/fleet/expand.py makes its members.

matrix:
  values: {data.where.persona_id: {column: persona_id}, lora.r: [8, 16]}
  name: "{persona_id}-r{r}"
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from recipebook.recipe.section import Count, Name, Positive, Section, Seed, measured_in

SEED = "training.seed"


class Column(Section):
    """One value for each value of a field of the data's records."""

    column: Name = Field(description="a field of every record of data.source: one value for each that occurs.")


class Files(Section):
    """A value for each file."""

    files: Name = Field(description="a glob, from the project's folder: one value for each file.")


class Range(Section):
    """Numbers drawn at random; for `search`."""

    low: Annotated[float, measured_in("the key's own")] = Field(description="the smallest number that may be drawn.")
    high: Annotated[float, measured_in("the key's own")] = Field(description="the largest number that may be drawn.")
    scale: Literal["log", "linear"] = Field(
        "log",
        description="log draws each power of ten equally often. Use linear for numbers of one order, such as shares.",
    )

    @model_validator(mode="after")
    def _can_draw(self) -> Self:
        if self.low >= self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError(f"low: {self.low} to high: {self.high} is no range to draw from on a {self.scale} scale")
        return self


class Search(Section):
    """Members drawn at random, in place of every combination."""

    random: Annotated[Positive, measured_in("members")] = Field(
        description="how many members are drawn. Raise it for a finer search; the earlier ones stay the same."
    )
    seed: Seed = Field(42, description="of the draw. Change it for other members.")


class Matrix(Section):
    """A recipe for many adapters: a member for every combination of values."""

    values: dict[Name, tuple[Any, ...] | Column | Files | Range] = Field(
        min_length=1,
        description="keys of the recipe, such as training.learning_rate, with the values that each takes: a list, "
        "{column: …}, {files: …} or {low: …, high: …}.",
    )
    name: Name | None = Field(
        None,
        description="a member's name, such as '{pole}-r{r}', by the keys' last words; null: all values, joined by -. "
        "Set it "
        "where that is long.",
    )
    search: Search | None = Field(
        None, description="draw some members instead of training every combination. Set it where combinations are many."
    )
    include: tuple[dict[Name, Any], ...] = Field(
        (),
        description="additional members, each with all keys of values. Use it for a baseline outside the combinations.",
    )
    exclude: tuple[dict[Name, Any], ...] = Field(
        (), description="combinations that are left out, by some of the keys. Use it for what makes no sense together."
    )
    min_rows: Annotated[Count, measured_in("rows")] = Field(
        0, description="members with fewer train rows are left out. Raise it where some values have too little data."
    )
    attempts: Annotated[Positive, measured_in("attempts")] = Field(
        2, description="how often a member that fails is tried. Raise it on machines that are not reliable."
    )
    vote: bool = Field(
        False,
        description="the members' majority answer is evaluated too. Switch it on where members solve the same task.",
    )

    @property
    def repeats(self) -> bool:
        """Whether the members are one recipe with several seeds, and differ in nothing else."""
        return [*self.values] == [SEED]
