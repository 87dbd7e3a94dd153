"""The section `data` of a recipe: where records come from, how they become rows, and which rows are trained on.

data: {source: samples/robot.json, converter: robot, split: {by: [input], test: 0.2}, rejects: 1%}
"""

import re
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from recipebook.recipe.section import Count, Name, Section, Seed, Share, measured_in


class Split(Section):
    """How records are divided. Records that agree in `by` stay together, so no test input is ever trained on."""

    validation: Share = Field(
        0.1,
        description="share of the records that is held out to watch training, chosen by hash, so adding records moves "
        "none. Lower it where records are few; 0 switches validation and early stopping off.",
    )
    test: Share = Field(
        0.1,
        description="share of the records that is held out for evaluation. Raise it for narrower intervals; 0 where "
        "data.test names a source.",
    )
    by: tuple[Name, ...] = Field(
        (),
        description="fields of the raw record that identify its origin, such as a dialogue or a person; empty: the "
        "whole record. Set it wherever several records share an origin, else tests look better than they are.",
    )
    without: Name | None = Field(
        None,
        description="a regular expression for texts in `by`: what it matches does not count. With [0-9.]+, 'go 2 m' "
        "and 'go 3.5 m' stay together. Set it where records are the same but for numbers or names.",
    )
    file: Name | None = Field(
        None,
        description="a JSON file with the lists train, val and test of values of the one field in `by`, in place of "
        "shares. Set it to repeat a published split.",
    )
    seed: Seed = Field(
        42, description="another seed is another split. Change it to see how much the figures depend on the split."
    )

    @model_validator(mode="after")
    def _can_read_lists(self) -> Self:
        if self.file is not None and len(self.by) != 1:
            raise ValueError("file needs by to be the one field whose values it has lists for, such as [persona_id]")
        return self

    @model_validator(mode="after")
    def _can_leave_out(self) -> Self:
        if self.without is None:
            return self
        if not self.by:
            raise ValueError("without needs by to name the fields of which it leaves something out, such as [input]")
        if self.file is not None:
            raise ValueError("without is for shares; file lists which records are in which part")
        try:
            re.compile(self.without)
        except re.error as error:
            raise ValueError(f"without is no regular expression: {error}: {self.without}") from None
        return self


class Weights(Section):
    """How often train rows of a kind are seen: `{field: category, values: {chained_complex: 2.5}}`."""

    field: Name = Field(description="a field of the rows' meta. It distinguishes the kinds.")
    values: dict[str, Annotated[float, Field(ge=0), measured_in("times")]] = Field(
        description="how often a row of each kind is repeated: at 2.5 every row twice and half of them once more; "
        "other "
        "kinds once. Raise it for rare kinds that the evaluation shows to be weak; below 1 leaves rows out."
    )


class Only(Section):
    """The rows of some kinds alone: `{field: category, values: [movement, safety]}`."""

    field: Name = Field(description="a field of the rows' meta. It distinguishes the kinds.")
    values: tuple[Name, ...] = Field(
        min_length=1, description="the kinds that are kept. Set it in stages of a curriculum."
    )


class Data(Section):
    """Where records come from and how they become rows."""

    source: Name = Field(
        description="a file, glob or folder, from the project's folder, or hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]; "
        "in a stage also stage:NAME, the rows that an earlier stage made. Set it to your own data."
    )
    validation: Name | None = Field(
        None,
        description="a source of its own for validation, instead of a share. Set it where the data set has a "
        "validation part.",
    )
    test: Name | None = Field(
        None,
        description="a source of its own for test, instead of a share. Set it where the data set has a test part.",
    )
    converter: Name = Field(
        description="a module of converters/, or `auto`: the one that recognises the first records. Name it once you "
        "know it, so that other records are refused."
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="the converter's own options: see data.md. Set those that your records need."
    )
    where: dict[Name, str | int] = Field(
        default_factory=dict,
        description="only the records with these values, such as {persona_id: persona_000}. Set it to train on a part "
        "of a source; a matrix sets it for each member.",
    )
    split: Split = Field(Split(), description="how records are divided into train, validation and test.")
    weights: Weights | None = Field(
        None, description="rows of some kinds more or less often, in train alone. Set it where kinds are unbalanced."
    )
    only: Only | None = Field(
        None, description="rows of some kinds alone, in train and validation; test stays whole. Set it in a stage."
    )
    rejects: (
        Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?%?$")] | Annotated[Count, measured_in("records")]
    ) = Field(
        0,
        description="how many records may be rejected: a number, or a share such as 10%. Raise it only after reading "
        "the reasons that `make plan` counts.",
    )

    @model_validator(mode="after")
    def _leaves_some_for_train(self) -> Self:
        names = {"split.validation": self.validation, "split.test": self.test}
        shares = {"split.validation": self.split.validation, "split.test": self.split.test}
        held_out = [share for key, share in shares.items() if names[key] is None]
        if self.split.file is None and sum(held_out) >= 1:
            raise ValueError(f"split.validation and split.test add up to {sum(held_out):g}: none is left for train")
        return self

    @model_validator(mode="after")
    def _can_choose_records(self) -> Self:
        """A split file counts the records of the whole source."""
        if self.where and self.split.file is not None:
            raise ValueError("where takes some records of the source, and split.file counts all of them")
        return self
