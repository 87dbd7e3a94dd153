"""A sound project is a line on stdout; each fault is a line on stderr."""

from pathlib import Path

import pytest

from commands import main


def test_a_sound_recipe_is_called_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "robot-lora"]) == 0
    assert capsys.readouterr() == (
        "robot-lora is sound under every profile; without RECIPE= all recipes are checked\n",
        "",
    )


def test_every_fault_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "x.yaml"
    recipe.write_text("descripton: d\nmodel: {base: b}\n")
    assert main(["check", str(recipe)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.partition(": ")[2] for line in err.splitlines()] == [
        "missing key 'data'",
        "missing key 'description'",
        "unknown key 'descripton'; did you mean 'description'?",
    ]
