"""How many pairs a threshold would keep, by each formula: counted before any is left out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands.plan import plan
from recipebook.data.strengths import format_strengths
from recipebook.errors import UserError
from recipebook.recipe.data_keys import Data
from recipebook.train.cards import Target


def score(chosen: float, rejected: float) -> dict[str, Any]:
    return {
        "input": f"find caps {chosen}",
        "chosen_response": {"tool_sequence": ["search"], "quality_score": chosen},
        "rejected_response": {"tool_sequence": ["compare"], "quality_score": rejected},
    }


def follow(strength: float) -> dict[str, Any]:
    return {
        "context": f"find hats {strength}",
        "chosen_trajectory": [{"tool_name": "search"}],
        "rejected_trajectory": [{"tool_name": "compare"}],
        "preference_score": strength,
    }


SCORED = (score(4.0, 1.0), score(4.2, 2.8), score(1.7, 1.1), score(2.0, 1.7))
WriteData = Callable[..., Data]
PLAIN = {"prompt": "hi", "chosen": "hello", "rejected": "go away"}
SAME = {"prompt": "hi", "chosen": "hello", "rejected": "hello"}


@pytest.fixture
def data(tmp_path: Path) -> WriteData:
    def write(*records: dict[str, Any], **given: Any) -> Data:
        path = tmp_path / "pairs.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return Data(source=str(path), **{"converter": "preference", **given})

    return write


def test_each_formula_is_counted_at_each_threshold(data: WriteData) -> None:
    told = format_strengths(data(*SCORED, follow(0.5), follow(0.3), PLAIN, SAME))
    assert told[0].startswith("strength  of 7 pairs in ")
    assert told[1:] == [
        "          formula       pairs      0.6      0.3      0.1",
        "          difference        4        3        4        4",
        "          ratio             4        1        1        3",
        "          score             2        0        2        2",
    ]


def test_a_formula_that_no_pair_tells_is_said_to_be_so(data: WriteData) -> None:
    assert format_strengths(data(PLAIN))[2] == "          difference        0   no pair has it"


def test_what_the_recipes_own_threshold_leaves_out_is_counted(data: WriteData) -> None:
    all_of_them = format_strengths(data(*SCORED))
    assert format_strengths(data(*SCORED, options={"strength": "ratio", "threshold": 0.9})) == all_of_them


def test_pairs_with_a_file_of_their_own_for_test_are_counted_too(data: WriteData, tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(json.dumps(score(3.0, 1.0)) + "\n")
    told = format_strengths(data(*SCORED, test=str(tmp_path / "test.jsonl")))
    assert told[0].startswith("strength  of 5 pairs in ")


def test_answers_with_a_label_have_no_table(data: WriteData) -> None:
    assert format_strengths(data({"prompt": "hi", "completion": "no", "label": False})) == []


def test_rows_of_another_kind_have_no_table() -> None:
    assert format_strengths(Data(source="samples/robot.json", converter="robot")) == []


@pytest.mark.parametrize(("recipe", "key"), [("preference-dpo", "data"), ("dial-dpo", "stages.dpo.data")])
def test_the_plan_shows_them_even_where_nothing_is_left(
    recipe: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="train is empty: 1500 records, 0 rejected, 1500 left out: strength under the"):
        plan(recipe, "tiny", [f"{key}.options.threshold=9"], Target(None))
    table = capsys.readouterr().out.partition("strength  ")[2].splitlines()
    assert table[0] == "of 1500 pairs in samples/preference.jsonl, a threshold would keep"
    assert [line.split()[:2] for line in table[2:5]] == [["difference", "1500"], ["ratio", "1500"], ["score", "0"]]
