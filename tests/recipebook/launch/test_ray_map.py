"""Parts done by a real Ray cluster of this machine: in their order, and with an error that a user can mend."""

import time
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.launch.ray_map import map_in_order

pytestmark = pytest.mark.long


def work(part: int) -> int:
    """The first parts take the longest; the number 99 is one that cannot be done."""
    time.sleep(max(0, 3 - part) * 0.2)
    if part == 99:
        raise UserError("x.jsonl:1: no such thing")
    return part * part


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cluster that another test names."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def test_results_come_in_the_order_of_the_parts() -> None:
    assert list(map_in_order(work, range(8))) == [0, 1, 4, 9, 16, 25, 36, 49]


def test_a_users_error_comes_back_as_it_is() -> None:
    with pytest.raises(UserError) as caught:
        list(map_in_order(work, [1, 99, 2]))
    assert str(caught.value) == "x.jsonl:1: no such thing"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(map_in_order(Path.read_bytes, [tmp_path / "none"]))
