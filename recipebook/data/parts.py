"""Which parts of a dataset have a source of their own or a share of one, and whether each got rows.

source: faq.csv, split: {test: 0.1} → {"train": "faq.csv"}; "test is empty" where no record fell to its share
"""

from collections.abc import Mapping

from recipebook.data.account import Account
from recipebook.data.overlap import HELD_OUT
from recipebook.data.split import Part
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Data


def name_sources(data: Data) -> dict[Part, str]:
    """The parts that have a source of their own, each with its name."""
    named: dict[Part, str | None] = {"test": data.test, "validation": data.validation, "train": data.source}
    return {part: name for part, name in named.items() if name is not None}


def check_parts(data: Data, rows: Mapping[Part, int], account: Account) -> None:
    """Raise where a part that the recipe asks for has no rows."""
    if not rows["train"]:
        left_out = "".join(f", {each.count} left out: {each.reason}" for each in account.left_out)
        why = left_out or account.format_reasons()
        raise UserError(f"{data.source}: train is empty: {account.records} records, {account.rejects} rejected{why}")
    if data.split.file is not None:
        return
    names = {"validation": data.validation, "test": data.test}
    for part in HELD_OUT:
        name = names[part]
        if name is not None and not rows[part]:
            raise UserError(f"{name}: {part} is empty: none of its records became a row{account.format_reasons(name)}")
        if names_share(data, part) and not rows[part] and not (data.where and part == "test"):
            raise UserError(
                f"{data.source}: {part} is empty: none of {account.records} records fell to its share of "
                f"{getattr(data.split, part)}; raise data.split.{part}, set it to 0, or name a file in data.{part}"
            )


def names_share(data: Data, part: Part) -> bool:
    """Whether the part is to be a share of the source."""
    return bool(getattr(data, part) is None and getattr(data.split, part))
