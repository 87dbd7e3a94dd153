"""The recipe that a run was trained by, from its folder."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.run.resolved import read_resolved


def test_its_values_are_those_of_the_file_also_of_keys_that_no_recipe_has_today(tmp_path: Path) -> None:
    (tmp_path / "resolved.yaml").write_text("training: {epochs: 2, sharpness: 3}\n")
    assert read_resolved(tmp_path) == {"training": {"epochs": 2, "sharpness": 3}}


@pytest.mark.parametrize(
    ("text", "fault"), [("", "holds no recipe"), ("[1]", "holds no recipe"), ("training: {epochs", "is no YAML")]
)
def test_a_broken_file_is_refused_in_a_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "resolved.yaml").write_text(text)
    with pytest.raises(UserError, match=rf"/resolved\.yaml: {fault}$"):
        read_resolved(tmp_path)
