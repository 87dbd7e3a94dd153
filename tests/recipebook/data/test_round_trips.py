"""What is exported of every sample is converted to equal rows, in every form that can hold it."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.conversion import convert_file
from recipebook.data.export import export_rows
from recipebook.errors import UserError
from recipebook.modules import EXPORT, list_names
from recipebook.project import PROJECT

CHATS = ("openai", "sharegpt")
QUESTIONS = (*CHATS, "prompt_completion")
HELD = {
    "robot.json": QUESTIONS,
    "toolformer.jsonl": QUESTIONS,
    "traits.jsonl": QUESTIONS,
    "persona.jsonl": CHATS,
    "sessions.jsonl": CHATS,
    "shell_tasks.json": CHATS,
    "preference.jsonl": ("axolotl_preference", "trl_preference"),
}
ROWS = 40


def read_rows(path: Path, meta: bool) -> list[Any]:
    """The rows of a file without what a form does not hold: their origin, and all of `meta` if it holds none."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["meta"] = {key: value for key, value in row["meta"].items() if key != "origin"} if meta else {}
    return rows


@pytest.mark.parametrize("sample", HELD)
def test_a_sample_comes_back_in_every_form_that_holds_it(tmp_path: Path, sample: str) -> None:
    whole, rows, written, back = (tmp_path / f"{name}.jsonl" for name in ("whole", "rows", "written", "back"))
    convert_file("auto", str(PROJECT / "samples" / sample), whole, {})
    with whole.open("rb") as file:
        rows.write_bytes(b"".join(islice(file, ROWS)))
    held = set()
    for form in list_names(EXPORT):
        try:
            export_rows(form, str(rows), written)
        except UserError:
            continue
        held.add(form)
        convert_file("auto", str(written), back, {})
        meta = form != "prompt_completion"
        assert read_rows(back, meta) == read_rows(rows, meta), form
    assert held == set(HELD[sample])
