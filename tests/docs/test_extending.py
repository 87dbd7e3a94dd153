"""The converter that docs/extending.md shows reads what the page says, and counts the rest."""

import re
from pathlib import Path
from typing import Any

from recipebook.data.account import Ledger
from recipebook.data.conversion import convert_records
from recipebook.data.converter import Converter
from recipebook.records import Record

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
HI, HELLO = {"by": "user", "said": "hi", "name": "Ann"}, {"by": "assistant", "said": "Hello!"}


def read_example() -> Converter:
    """The block of the page that is a whole file."""
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if block.startswith('"""')]
    module: dict[str, Any] = {}
    exec(code, module)
    return Converter("talks", module["Options"], module["convert"], lambda: "", fields=module["FIELDS"])


def test_the_shown_converter_reads_both_shapes_and_counts_what_it_leaves_open() -> None:
    converter, ledger = read_example(), Ledger()
    records: list[dict[str, Any]] = [
        {"talk": [HI, HELLO], "id": 1},
        {"talk": [{**HI, "tempo": 3}, {**HELLO, "name": 7}], "answer": "no"},
        {"question": "hi", "answer": "Hello!", "talk": "none"},
        {"talk": [HI, HELLO], "images": ["a.png"]},
        {"talk": [HI, {**HELLO, "weight": 0}]},
    ]
    numbered = [Record(at, at, record) for at, record in enumerate(records, 1)]
    found = list(convert_records(numbered, "in.jsonl", converter, converter.options(), ledger))
    hi, hello = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello!"}
    assert [each.rows[0]["messages"] for each in found] == [[hi, hello]] * 3
    account = ledger.close()
    assert account.notes == (
        "read without 'tempo' of a turn: 1 turn (first: in.jsonl:2: record 2)",
        "read without 'name' of a turn: 1 turn (first: in.jsonl:2: record 2)",
        "read without 'answer': 1 record (first: in.jsonl:2: record 2)",
        "read without 'talk': 1 record (first: in.jsonl:3: record 3)",
    )
    assert [each.reason for each in account.rejected] == [
        "has 'images', which no row can hold",
        "'weight' of a turn is a mark that cannot be followed there",
    ]
