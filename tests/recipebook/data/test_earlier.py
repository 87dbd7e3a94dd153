"""Rows that an earlier version cached are found under the names that it gave their folders."""

from typing import Any

import pytest

from recipebook.data import earlier
from recipebook.data.code_digest import digest_kind
from recipebook.data.converter import find_converter
from recipebook.modules import CONVERTER, list_names
from recipebook.options import check_options
from recipebook.project import PROJECT
from recipebook.recipe.data_keys import Data

ROBOT = {"source": "a.jsonl", "converter": "robot"}
PERSONA = {
    "source": "a.jsonl",
    "converter": "persona",
    "where": {"persona_id": "p1"},
    "split": {"by": ["dialogue_id"], "test": 0.2},
    "weights": {"field": "f", "values": {"x": 2.5}},
}


def name_folders(data: dict[str, Any], code: str) -> list[str]:
    checked = Data.model_validate(data)
    options = check_options(find_converter(checked.converter).options, checked.options, "x")
    return earlier.name_earlier_folders("1", code, checked, options, ["5d0c", "77aa"])


# The folders' names are those that version c49d641 gives for the same data and hashes of sources.
@pytest.mark.parametrize(
    ("data", "code", "folder"),
    [(ROBOT, "a3c31541bda8e2bb", "3a10e7dae173b3b1"), (PERSONA, "bf436abb03d09b3f", "845ec47d08a93025")],
)
def test_the_folder_of_an_earlier_version_is_named(
    monkeypatch: pytest.MonkeyPatch, data: dict[str, Any], code: str, folder: str
) -> None:
    monkeypatch.setattr(earlier, "EARLIER_CODE", {"today": code})
    assert name_folders(data, "today") == [folder]


def test_a_converter_that_has_changed_since_has_no_earlier_folder() -> None:
    assert name_folders(ROBOT, "changed") == []


def test_an_earlier_hash_of_code_becomes_todays_and_an_unknown_one_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "EARLIER_CODE", {"today": "then"})
    assert earlier.name_todays_code("then") == "today"
    assert earlier.name_todays_code("another") == "another"


def test_no_earlier_hash_stands_for_two_pieces_of_code() -> None:
    assert len(set(earlier.EARLIER_CODE.values())) == len(earlier.EARLIER_CODE)


def test_a_piece_of_code_that_has_changed_is_no_longer_listed() -> None:
    """Whoever changes what a converter or a kind of stage does takes its line out of the table."""
    kinds = [path for path in (PROJECT / "stages").glob("*.py") if not path.stem.startswith("_")]
    present = {find_converter(name).hash_code() for name in list_names(CONVERTER)} | {
        digest_kind(kind) for kind in kinds
    }
    assert [code for code in earlier.EARLIER_CODE if code not in present] == []
