"""The recipe that a run was trained by, from its folder."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.run.resolved import read_resolved, read_settings


def test_its_values_are_those_of_the_file_also_of_keys_that_no_recipe_has_today(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("training: {epochs: 2, sharpness: 3}\n")
    assert read_resolved(tmp_path) == {"training": {"epochs": 2, "sharpness": 3}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", " holds no mapping of keys"),
        ("[1]", " holds no mapping of keys"),
        ("training: {epochs", " is no YAML"),
        (100_000 * "[", "1:51: nested deeper than 50 levels"),
    ],
)
def test_a_broken_file_is_refused_in_a_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "resolved.yaml").write_text(text)
    with pytest.raises(UserError, match=rf"/resolved\.yaml:{fault}$"):
        read_resolved(tmp_path)


@pytest.mark.parametrize("text", ["", "[1]", "a: {b", 100_000 * "["])
def test_settings_of_the_engine_that_are_damaged_count_as_none(tmp_path: Path, text: str) -> None:
    assert read_settings(tmp_path) == {}
    (tmp_path / "axolotl.yaml").write_text(text)
    assert read_settings(tmp_path) == {}
    (tmp_path / "axolotl.yaml").write_text("sample_packing: true\n")
    assert read_settings(tmp_path) == {"sample_packing": True}
