"""Rows of a kind that a method does not learn from are refused before anything is trained."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.train.kinds import check_kinds

CHAT = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]}
PAIR = {"prompt": "hi", "chosen": "hello", "rejected": "no"}
LABELLED = {"prompt": "hi", "completion": "no", "label": False}


def check(folder: Path, method: str, converter: str, *records: Any) -> None:
    """Check rows of these records, each with a prompt of its own so that none is left out."""
    lines = [json.dumps(record).replace('"hi"', f'"hi {at}"') for at, record in enumerate(records)]
    (folder / "x.jsonl").write_text("\n".join(lines))
    recipe = Recipe.model_validate(
        {
            "description": "x",
            "model": {"base": "models/tiny-base"},
            "data": {"source": "x.jsonl", "converter": converter, "split": {"validation": 0, "test": 0}},
            "training": {"method": method},
        }
    )
    check_kinds(recipe, prepare(recipe.data, folder / "cache", folder))


def test_rows_of_a_kind_that_the_method_learns_from_pass(tmp_path: Path) -> None:
    check(tmp_path, "sft", "chat", CHAT)
    check(tmp_path, "dpo", "preference", PAIR)
    check(tmp_path, "kto", "preference", PAIR, LABELLED)
    check(tmp_path, "one_of_my_own", "preference", LABELLED)


@pytest.mark.parametrize(
    ("method", "converter", "records", "fault"),
    [
        (
            "sft",
            "preference",
            (LABELLED, LABELLED),
            "method sft learns from chats, and 2 of 2 rows are answers with a label, good or bad (first: x.jsonl#1); "
            "from those learns kto",
        ),
        (
            "sft",
            "preference",
            (PAIR,),
            "method sft learns from chats, and 1 of 1 rows are preference pairs (first: x.jsonl#1); "
            "from those learns dpo or ipo or orpo or simpo or kto",
        ),
        (
            "dpo",
            "preference",
            (PAIR, LABELLED),
            "method dpo learns from preference pairs, and 1 of 2 rows are answers with a label, good or bad "
            "(first: x.jsonl#2); from those learns kto",
        ),
        (
            "kto",
            "chat",
            (CHAT,),
            "method kto learns from preference pairs and answers with a label, good or bad, and 1 of 1 rows are chats "
            "(first: x.jsonl#1); from those learns sft",
        ),
    ],
)
def test_other_rows_are_refused_with_the_methods_that_learn_from_them(
    tmp_path: Path, method: str, converter: str, records: Any, fault: str
) -> None:
    with pytest.raises(UserError) as error:
        check(tmp_path, method, converter, *records)
    assert str(error.value) == fault
