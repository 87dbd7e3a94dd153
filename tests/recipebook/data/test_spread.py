"""A conversion in parts gives the rows and the account of an ordinary one, to the byte."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from recipebook.data import spread
from recipebook.data.account import Account
from recipebook.data.conversion import convert_file
from recipebook.data.spread import Made, Part, Spread, convert_spread
from recipebook.errors import UserError
from recipebook.launch.ray_map import map_in_order


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with three files: lines that are cut, some of them bad, packed ones and a list."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("recipebook.data.conversion.SPAN", 2048)
    monkeypatch.setattr(spread, "CACHE", tmp_path / "cache")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    lines = [json.dumps({"input": f"turn {at % 150}", "output": "robot.stop()", "who": "ann"}) for at in range(300)]
    lines[40], lines[200] = "[1]", json.dumps({"input": "come"})
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_bytes(b"\r\n".join(line.encode() for line in lines))
    with gzip.open(tmp_path / "data" / "b.jsonl.gz", "wt") as file:
        file.write("\n".join(lines[:60]))
    (tmp_path / "data" / "c.json").write_text(f"[{','.join(lines[:30])}]")


def do_here(do: Callable[[Part], Made], parts: Sequence[Part]) -> Iterator[Made]:
    """As a cluster that does the last part first."""
    return reversed([do(part) for part in reversed(parts)])


def convert(spread: Spread | None = None, converter: str = "robot") -> tuple[Account, bytes]:
    out = Path("rows.jsonl")
    if spread:
        return convert_spread(converter, "data/*", out, {}, "10%", spread), out.read_bytes()
    return convert_file(converter, "data/*", out, {}, "10%"), out.read_bytes()


def test_rows_and_account_are_those_of_an_ordinary_conversion() -> None:
    account, rows = convert()
    assert (account.records, account.rows, account.rejects) == (390, 387, 3)
    assert convert(do_here) == (account, rows)
    assert list(Path("cache").iterdir()) == []


def test_a_converter_is_chosen_once() -> None:
    assert convert(do_here, "auto") == convert(converter="auto")


def test_too_many_rejected_records_leave_no_file() -> None:
    with pytest.raises(UserError, match=r"^data/a\.jsonl:41: record 41: a list, not an object \(3 of 390 records"):
        convert_spread("robot", "data/*", Path("rows.jsonl"), {}, 0, do_here)
    assert not Path("rows.jsonl").exists()


@pytest.mark.long
def test_ray_gives_the_same_rows_and_account() -> None:
    assert convert(map_in_order) == convert()
