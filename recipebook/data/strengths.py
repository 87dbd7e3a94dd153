"""How many pairs a threshold would keep: a recipe's `data` in, a line out for each formula of its converter.

    strength  of 1500 pairs in samples/preference.jsonl, a threshold would keep
              formula        pairs      0.6      0.3      0.1
              difference      1500     1380     1500     1500
              ratio           1500        0      420     1490
              score              0   no pair has it

All pairs are counted, also those that the recipe's own threshold leaves out. A converter lists its formulas in
`STRENGTHS`; the meta of a row has the value of each formula for which its record has the numbers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from recipebook.data.account import Ledger
from recipebook.data.conversion import choose_converter, convert_records
from recipebook.data.dataset import find_all_inputs
from recipebook.recipe.data_keys import Data
from recipebook.rows import find_kind
from recipebook.terminal import format_field

THRESHOLDS = (0.6, 0.3, 0.1)


def format_strengths(data: Data) -> list[str]:
    """The table as lines; none where the converter's rows have no strength, or no row is a pair."""
    inputs = find_all_inputs(data)
    converter = choose_converter(data.converter, data.source, inputs["train"], {}, data.options)
    if not converter.strengths:
        return []
    metas = [
        row["meta"]
        for sources in inputs.values()
        for source in sources
        for each in convert_records(source.read({}), source.name, converter, converter.options(), Ledger())
        for row in each.rows
        if find_kind(row) == "pair"
    ]
    if not metas:
        return []
    return list(_format_table(metas, converter.strengths, data.source))


def _format_table(metas: Sequence[dict[str, Any]], formulas: Sequence[str], source: str) -> Iterator[str]:
    yield format_field("strength", f"of {len(metas)} pairs in {source}, a threshold would keep")
    yield format_field("", f"{'formula':<11}{'pairs':>8}" + "".join(f"{threshold:>9}" for threshold in THRESHOLDS))
    for formula in formulas:
        found = [meta[formula] for meta in metas if formula in meta]
        kept = "".join(f"{sum(strength >= threshold for strength in found):>9}" for threshold in THRESHOLDS)
        yield format_field("", f"{formula:<11}{len(found):>8}{kept if found else '   no pair has it'}")
