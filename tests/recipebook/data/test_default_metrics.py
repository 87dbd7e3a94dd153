"""The metrics of a recipe without any, by its rows."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.default_metrics import choose_metrics
from recipebook.recipe.data_keys import Data

ASKED = {"role": "user", "content": "a table for two"}
CALL = {"function": {"name": "book", "arguments": '{"people": 2}'}}


@pytest.mark.parametrize(
    ("converter", "answers", "metrics"),
    [
        ("chat", [{"content": "Done."}], ["likelihood", "overlap", "text"]),
        ("tools", [{"content": "Done."}], ["likelihood", "overlap", "text"]),
        ("tools", [{"content": "Done."}, {"content": "", "tool_calls": [CALL]}], ["tool_calls", "likelihood"]),
        ("robot", [{"content": "robot.stop()"}], ["robot"]),
        ("chat", [], ["likelihood", "overlap", "text"]),
    ],
)
def test_calls_are_compared_as_calls_and_free_text_by_its_likelihood(
    tmp_path: Path, converter: str, answers: list[dict[str, Any]], metrics: list[str]
) -> None:
    rows = tmp_path / "test.jsonl"
    turns = [{"messages": [ASKED, {"role": "assistant", **answer}]} for answer in answers]
    rows.write_text("".join(json.dumps(row) + "\n" for row in turns))
    assert [*choose_metrics(Data(source="x.jsonl", converter=converter), rows)] == metrics


def test_pairs_are_compared_by_what_the_model_prefers(tmp_path: Path) -> None:
    rows = tmp_path / "test.jsonl"
    rows.write_text(json.dumps({"messages": [ASKED], "chosen": {"content": "Done."}, "rejected": {"content": "No."}}))
    assert [*choose_metrics(Data(source="x.jsonl", converter="preference"), rows)] == ["preference"]
