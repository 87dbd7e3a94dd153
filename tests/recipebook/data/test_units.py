"""Held-out records that agree in the fields of the split are one unit."""

import json
from collections import Counter
from pathlib import Path

from recipebook.data.dataset import prepare
from recipebook.data.units import UNITS, read_units
from recipebook.recipe.data_keys import Data


def build(root: Path, **more: object) -> Path:
    """A hundred records, each input twice but for a dot, half of them held out."""
    lines = [
        json.dumps({"input": f"go {number // 2} m{'.' * (number % 2)}", "output": f"robot.stop() # {number}"})
        for number in range(100)
    ]
    (root / "x.jsonl").write_text("\n".join(lines) + "\n")
    split = {"by": ["input"], "validation": 0, "test": 0.5, **more}
    data = Data.model_validate({"source": "x.jsonl", "converter": "robot", "split": split})
    return prepare(data, root / "cache", root).folder


def list_origins(folder: Path, part: str) -> list[str]:
    return [json.loads(line)["meta"]["origin"] for line in (folder / f"{part}.jsonl").read_text().splitlines()]


def test_held_out_records_that_agree_in_the_fields_of_the_split_share_a_unit(tmp_path: Path) -> None:
    folder = build(tmp_path)
    units, origins = read_units(folder), list_origins(folder, "test")
    assert list(units) == origins
    # Records are counted from 1: 1 and 2 have the same input.
    pairs = [(origin, f"x.jsonl#{number + 1}") for origin in origins if (number := int(origin[8:])) % 2]
    assert len(pairs) == len(origins) // 2
    assert all(units[one] == units[other] for one, other in pairs)
    assert len(set(units.values())) == len(pairs)


def test_records_that_agree_but_for_what_the_split_leaves_out_share_a_unit(tmp_path: Path) -> None:
    # Of `go 37 m` the 7 does not count: each ten of the fifty inputs are one, and each is there twice.
    units = read_units(build(tmp_path, without="[0-9](?= m)"))
    assert set(Counter(units.values()).values()) == {20}


def test_records_that_agree_with_no_other_are_not_listed(tmp_path: Path) -> None:
    assert read_units(build(tmp_path, by=["output"])) == {}
    # Without fields of the split each record stands for itself.
    assert read_units(build(tmp_path, by=[])) == {}


def test_rows_of_an_earlier_version_have_no_units(tmp_path: Path) -> None:
    folder = build(tmp_path)
    (folder / UNITS).unlink()
    assert read_units(folder) == {}
