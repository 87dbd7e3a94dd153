"""Answers that are rated one by one: those to one prompt become a pair, wherever they stand."""

import json
from pathlib import Path
from typing import Any

from recipebook.data.conversion import convert_file


def rate(prompt: str, response: str, helpfulness: Any, correctness: int = 3) -> dict[str, Any]:
    return {"prompt": prompt, "response": response, "helpfulness": helpfulness, "correctness": correctness}


def convert(folder: Path, records: list[Any], **options: Any) -> tuple[list[tuple[str, str, str]], list[str]]:
    (folder / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    account = convert_file("auto", str(folder / "in.jsonl"), folder / "out.jsonl", options)
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    left_out = [f"{each.count} {each.reason}" for each in account.left_out]
    return [
        (row["messages"][0]["content"], row["chosen"]["content"], row["rejected"]["content"]) for row in rows
    ], left_out


RECORDS = [rate("a", "good", 4, 1), rate("b", "alone", 4), rate("a", "bad", 0, 4), rate("a", "so so", "2")]


def test_the_answers_to_a_prompt_become_one_pair_and_their_records_one_row(tmp_path: Path) -> None:
    assert convert(tmp_path, RECORDS) == (
        [("a", "good", "bad")],
        ["1 is the only answer to its prompt", "2 is in the pairs of an earlier record of its prompt"],
    )


def test_another_rating_may_say_which_answer_is_better(tmp_path: Path) -> None:
    assert convert(tmp_path, RECORDS, by="correctness")[0] == [("a", "bad", "good")]


def test_each_worse_answer_may_have_a_pair_of_its_own(tmp_path: Path) -> None:
    rows, _ = convert(tmp_path, RECORDS, pairs="best and each")
    assert rows == [("a", "good", "so so"), ("a", "good", "bad")]
