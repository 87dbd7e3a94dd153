"""A sound project is a line on stdout; each fault is a line on stderr."""

import subprocess
import sys
from pathlib import Path

import pytest

from commands import main
from recipebook.project import INSTALLATION


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


def test_templates_are_utf_8_whatever_the_locale_is(tmp_path: Path) -> None:
    for folder in ("recipes", "runs", "templates"):
        (tmp_path / folder).mkdir()
    (tmp_path / "recipes" / "own.yaml").write_text("extends: robot-lora\ndescription: für alle\n", encoding="utf-8")
    (tmp_path / "templates" / "own.jinja").write_text("{# für alle #}{{ messages }}", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(INSTALLATION)}
    command = [sys.executable, "-m", "recipebook", "check"]
    done = subprocess.run(command, cwd=tmp_path, env=ascii_only, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "every recipe, profile and template is sound\n", "")
