"""The first lines of every command that trains or plans: the recipe, the service, and what became of the records."""

from recipebook.data.dataset import Dataset
from recipebook.recipe.resolve import Resolved
from recipebook.terminal import print_field

TINY_NOTICE = (
    "profile tiny: no GPU is used. The embedded model of a million parameters replaces the\n"
    "recipe's base model: a real result of a tiny model, not to be compared with published ones."
)


def print_recipe(resolved: Resolved) -> None:
    """Print the first lines of output, with a notice if a tiny model replaces the recipe's."""
    if resolved.profile == "tiny":
        print(TINY_NOTICE)
    print_field("recipe", f"{resolved.name}, profile {resolved.profile}, base {resolved.recipe.model.base}")
    if resolved.recipe.remote:
        print_field("service", f"{resolved.recipe.remote.service} trains, and chooses optimizer, seed and packing")


def print_dataset(dataset: Dataset) -> None:
    """Print how many records became rows, and how many were rejected or repeat."""
    account = dataset.account
    parts = ", ".join(f"{count} {part}" for part, count in dataset.rows.items())
    print_field("data", f"{account.records} records, {account.rejects} rejected: {parts} rows")
    print_field("", f"{account.overlap_test} test prompts in train, {account.duplicates} duplicate rows")
    for line in account.lines()[1:]:
        print_field("", line)
