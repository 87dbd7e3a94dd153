"""What becomes of files as people have them: whatever a record says is in its rows, or the account names it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.files_page import FILES
from recipebook.data.conversion import convert_file
from recipebook.data.fields import RECORD_HARMLESS
from recipebook.data.marks import MARKS
from recipebook.errors import UserError
from recipebook.sources.inputs import find_inputs

# What says who speaks, and of what kind a thing is: rows say it in their own words.
KINDS = {"role", "from", "type", "label", "kto_tag"}
# Rows of pairs hold the difference of the scores, and their ratio.
SCORES = {"chosen_score", "rejected_score", "score_chosen", "score_rejected", "rank", "overall_score"}


@pytest.mark.parametrize("path", sorted(FILES.iterdir()), ids=lambda path: path.name)
def test_all_that_a_record_says_is_in_its_rows_or_named(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    try:
        account = convert_file("auto", str(path), out, {}, "100%")
    except UserError as error:
        assert "\n" not in str(error) and path.name in str(error)
        return
    said = account.lines()
    rows = squeeze(
        " ".join(words for line in out.read_text().splitlines() for _, words in list_words(json.loads(line)))
    )
    rejected = sum(each.count for each in account.rejected)
    records = [record.value for each in find_inputs(str(path), Path()) for record in each.read({})]
    lost = [words for record in records for words in list_lost(record, rows, said)]
    assert lost == [] or rejected


def list_lost(record: Any, rows: str, said: list[str]) -> list[str]:
    """The words of a record that are neither in its rows nor under a key that the account names."""
    harmless = RECORD_HARMLESS | MARKS | KINDS | SCORES
    return [
        words
        for keys, words in list_words(record)
        if squeeze(words) not in rows
        and harmless.isdisjoint(keys)
        and not any(f"'{key}'" in line for key in keys for line in said)
    ]


def list_words(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text, number and boolean of a value, with the keys on the way; JSON in a text is looked into."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from list_words(inner, (*keys, key))
        case list():
            for inner in value:
                yield from list_words(inner, keys)
        case str() if value.lstrip()[:1] in ("{", "[") and (opened := read_json(value)) is not None:
            yield from list_words(opened, keys)
        case None:
            return
        case _:
            yield keys, value if isinstance(value, str) else json.dumps(value)


def read_json(text: str) -> Any:
    """The value that a text is JSON of; None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def squeeze(text: str) -> str:
    """A text without white space."""
    return "".join(text.split())
