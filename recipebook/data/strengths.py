"""How many pairs a threshold would keep: a recipe's `data` in, a line out for each formula of its converter.

    strength  of 1500 pairs in samples/preference.jsonl, a threshold would keep
              formula        pairs      0.6      0.3      0.1
              difference      1500     1380     1500     1500
              ratio           1500        0      420     1490
              score              0   no pair has it

All pairs are counted, also those that the recipe's own threshold leaves out. A converter lists its formulas in
`STRENGTHS`; the meta of a row has the value of each formula for which its record has the numbers.
"""

from collections.abc import Iterator, Mapping
from itertools import chain

from recipebook.data.account import Ledger
from recipebook.data.conversion import convert_records
from recipebook.data.converter import choose_converter
from recipebook.data.dataset import find_all_inputs
from recipebook.recipe.data_keys import Data
from recipebook.rows import find_kind
from recipebook.terminal import format_field

THRESHOLDS = (0.6, 0.3, 0.1)


def format_strengths(data: Data) -> list[str]:
    """The table as lines; none where the converter's rows have no strength, or no row is a pair."""
    inputs = find_all_inputs(data)
    converter = choose_converter(data.converter, data.source, inputs["train"], {}, data.options, data.rejects)
    if not converter.strengths:
        return []
    pairs, tallies = 0, {formula: StrengthTally() for formula in converter.strengths}
    for source in chain.from_iterable(inputs.values()):
        for each in convert_records(source.read({}), source.name, converter, converter.options(), Ledger()):
            for meta in (row["meta"] for row in each.rows if find_kind(row) == "pair"):
                pairs += 1
                for formula in tallies.keys() & meta.keys():
                    tallies[formula].add(meta[formula])
    return list(_format_table(pairs, tallies, data.source)) if pairs else []


class StrengthTally:
    """How many pairs have a strength, and how many of them reach each threshold."""

    def __init__(self) -> None:
        self.pairs = 0
        self.kept = [0] * len(THRESHOLDS)

    def add(self, strength: float) -> None:
        """Count one pair."""
        self.pairs += 1
        for at, threshold in enumerate(THRESHOLDS):
            self.kept[at] += strength >= threshold


def _format_table(pairs: int, tallies: Mapping[str, StrengthTally], source: str) -> Iterator[str]:
    yield format_field("strength", f"of {pairs} pairs in {source}, a threshold would keep")
    yield format_field("", f"{'formula':<11}{'pairs':>8}" + "".join(f"{threshold:>9}" for threshold in THRESHOLDS))
    for formula, tally in tallies.items():
        kept = "".join(f"{count:>9}" for count in tally.kept)
        yield format_field("", f"{formula:<11}{tally.pairs:>8}{kept if tally.pairs else '   no pair has it'}")
