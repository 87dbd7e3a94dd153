"""A main figure that the default metrics of the rows do not measure is refused before anything is trained."""

import json
from pathlib import Path

import pytest

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.train.main_figure import check_main_figure


def check(folder: Path, converter: str, record: dict[str, str], main: str | None) -> None:
    lines = [json.dumps({**record, "input": f"{record['input']} {number}"}) for number in range(20)]
    (folder / "x.jsonl").write_text("\n".join(lines))
    recipe = Recipe.model_validate(
        {
            "description": "x",
            "model": {"base": "models/tiny-base"},
            "data": {"source": "x.jsonl", "converter": converter, "split": {"validation": 0, "test": 0.5}},
            "eval": {"main": main},
        }
    )
    check_main_figure(recipe, prepare(recipe.data, folder / "cache", folder))


def test_a_figure_of_the_converters_own_metric_passes_and_another_does_not(tmp_path: Path) -> None:
    record = {"input": "stop", "output": "robot.stop()"}
    check(tmp_path, "robot", record, "exact")
    check(tmp_path, "robot", record, None)
    with pytest.raises(UserError, match=r"eval\.main: no figure 'exat' in the metrics; did you mean 'exact'\?"):
        check(tmp_path, "robot", record, "exat")
