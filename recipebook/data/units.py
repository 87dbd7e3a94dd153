"""Held-out rows that are not independent of each other: records as they are written in, the records that agree out.

`units.json` beside the rows, for those that agree in all fields of `data.split.by` with another of the same part:

    {"samples/pairs.jsonl#12": "5f0c1d2e", "samples/pairs.jsonl#80": "5f0c1d2e"}

The split keeps such records together because they say nothing of each other's that is new. So do intervals and tests
(eval/opening.py): five pairs of one prompt, counted as five, would reject 18 of 100 comparisons of equal models.
"""

import hashlib
import json
from pathlib import Path

from recipebook.data.conversion import Converted
from recipebook.data.split import Part, identify_fields
from recipebook.files import write_text
from recipebook.recipe.data_keys import Split
from recipebook.rows import BadRecord

UNITS = "units.json"


class Units:
    """The records of held-out parts by what they agree in."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self.origins: dict[tuple[Part, str], list[str]] = {}

    def add(self, part: Part, each: Converted) -> None:
        """Note a record of a held-out part; one without the fields, from a file of its own, stands for itself."""
        if part == "train" or not self.split.by or isinstance(each.record.value, BadRecord):
            return
        try:
            fields = identify_fields(each.record.value, self.split)
        except BadRecord:
            return
        unit = hashlib.blake2b(fields, digest_size=4).hexdigest()
        self.origins.setdefault((part, unit), []).append(each.rows[0]["meta"]["origin"])

    def write(self, folder: Path) -> None:
        """Write the units of several records."""
        shared = {origin: unit for (_, unit), origins in self.origins.items() if len(origins) > 1 for origin in origins}
        write_text(folder / UNITS, json.dumps(shared, indent=0) + "\n")


def read_units(folder: Path) -> dict[str, str]:
    """The unit of each record that shares one; empty where the rows were converted by an earlier version."""
    path = folder / UNITS
    units: dict[str, str] = json.loads(path.read_bytes()) if path.is_file() else {}
    return units
