"""How many references each metric can score, of rows on disk."""

import json
from pathlib import Path
from typing import Any

from recipebook.data.scorable import format_scorable


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps({"meta": {}, **row}) + "\n" for row in rows))
    return path


def answer(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": text}]}


def test_a_reference_that_is_no_call_is_not_counted_for_the_robot(tmp_path: Path) -> None:
    rows = write(tmp_path / "test.jsonl", answer("robot.stop()"), answer("I cannot do that."), answer("stop(3"))
    assert format_scorable({"robot": {}, "text": {}}, rows, "test") == [
        "robot: 1 of 3 test references can be scored",
        "text: 3 of 3 test references can be scored",
    ]


def test_a_metric_of_pairs_counts_pairs(tmp_path: Path) -> None:
    said = {"role": "assistant", "content": "yes"}
    pair = {"messages": [{"role": "user", "content": "go"}], "chosen": said, "rejected": said}
    rows = write(tmp_path / "validation.jsonl", pair, answer("yes"), pair)
    assert format_scorable({"preference": {}, "spans": {}, "likelihood": {}}, rows, "validation") == [
        "preference: 2 of 3 validation references can be scored",
        "spans: 0 of 3 validation references can be scored",
        "likelihood: 3 of 3 validation references can be scored",
    ]
