"""Inserted calls: where they stand, what they are worth to the model, and that the converter reads them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters import toolformer
from recipebook.errors import UserError
from recipebook.project import PROJECT
from samples import make_plain_texts
from stages._tools import ToolCall, read_tools
from stages.augment import Options, Text, make_record, run, sift
from tests.stages.conftest import MakeJob

SAMPLE = PROJECT / "samples" / "plain_texts.jsonl"
TOOLS = {"tools": "samples/augment_tools.yaml"}
TRUE = [("hello, the Zeta bags cost 1200 rupees if you can", 25), ("नोवा कोट का दाम 2200 रुपये है", 15)]
# The embedded base gives a wrong price some 2.5, as any number helps to expect one, and the right one more than 5.
FALSE = ["hello, the Zeta bags cost 2700 rupees if you can", "नोवा कोट का दाम 300 रुपये है"]
PLAIN = "thank you, the pink bags arrived in time"


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_the_sample_is_what_its_generator_makes() -> None:
    records = [json.loads(line) for line in SAMPLE.read_text().splitlines()]
    assert make_plain_texts.make(240, seed=3) == records


def test_a_call_is_kept_where_its_result_tells_what_follows(make_job: MakeJob) -> None:
    texts = [{"text": text, "language": "en"} for text in [*(text for text, _ in TRUE), *FALSE, PLAIN]]
    job = make_job(sources={"texts": texts})
    run(job, Options.model_validate({**TOOLS, "source": "stage:texts", "threshold": 4.0}))
    records = read(job.folder)
    assert [len(record["tool_calls"]) for record in records] == [1, 1, 0, 0, 0]
    for record, (_, position) in zip(records, TRUE, strict=False):
        (call,) = record["tool_calls"]
        assert (call["tool_name"], call["position"]) == ("search", position)
        assert call["utility_score"] == record["quality_score"] >= 4.0
    assert records[0]["augmented_text"] == (
        "hello, the Zeta bags cost <tool>search(query='Zeta bags')</tool> 1200 rupees if you can"
    )
    assert json.loads((job.folder / "account.json").read_text()) == {
        "calls proposed": 4, "dropped: helps too little": 2, "calls kept": 2, "texts with calls": 2,
        "texts without calls": 3,
    }  # fmt: skip
    assert [path.name for path in sorted(job.folder.iterdir())] == ["account.json", "rows.jsonl"]


def test_texts_may_be_the_rows_of_the_recipe_and_plain_ones_may_go(make_job: MakeJob) -> None:
    job = make_job([(TRUE[0][0], "?"), (TRUE[0][0], "again"), (PLAIN, "?")])
    run(job, Options.model_validate({**TOOLS, "keep_plain": False}))
    assert [(record["original_text"], record["language"]) for record in read(job.folder)] == [(TRUE[0][0], "en")]
    assert json.loads((job.folder / "account.json").read_text())["repeated texts"] == 1


def test_no_call_that_helps_is_one_line(make_job: MakeJob) -> None:
    with pytest.raises(UserError, match=r"^stage 'made': no call lowers the loss by 1: calls proposed 0"):
        run(make_job([(PLAIN, "?")]), Options.model_validate(TOOLS))
    with pytest.raises(UserError, match=r"^stage 'made': no earlier stage 'talk' with rows; there are: texts$"):
        run(make_job(sources={"texts": []}), Options.model_validate({**TOOLS, "source": "stage:talk"}))


def test_a_model_that_writes_no_calls_proposes_none_that_are_allowed(make_job: MakeJob) -> None:
    given = {**TOOLS, "propose": "model", "min_probability": 0, "positions": 2, "calls": 2, "max_new_tokens": 8}
    with pytest.raises(UserError, match=r"no call lowers the loss by 1: calls proposed [0-9]"):
        run(make_job([(TRUE[0][0], "?")]), Options.model_validate(given))


def test_calls_that_cannot_be_tried_are_counted_by_reason() -> None:
    tools = read_tools(PROJECT / TOOLS["tools"])
    good = ToolCall("search", {"query": "Nova bags"}, 4)
    asked = [good, good, good._replace(position=9), good._replace(position=0), good._replace(position=2),
             ToolCall("search", {"query": "boats"}, 4), ToolCall("search", {"item": "x"}, 4)]  # fmt: skip
    account: Counter[str] = Counter()
    assert list(sift("they cost", asked, tools, account)) == [(good, "Nova bags 900 rupees")]
    assert account == {
        "dropped: proposed twice": 1, "dropped: nothing before it or nothing after": 2, "dropped: inside a word": 1,
        "dropped: no result": 1, "dropped: not in the tools' parameters": 1,
    }  # fmt: skip


@given(st.lists(st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="[<")), min_size=1))
def test_every_record_is_one_that_the_converter_takes_as_it_stands(words: list[str]) -> None:
    text = " ".join(word for word in words if word) or "x"
    ends = [len(" ".join(text.split()[: count + 1])) for count in range(len(text.split()))]
    kept = [(ToolCall("search", {"query": "कोट"}, end), 1.5) for end in ends[::2]]
    record = make_record(Text(text, "mixed"), kept[::-1])
    (row,) = toolformer.convert(record, toolformer.Options())
    assert row["messages"][1]["content"] == record["augmented_text"]
    assert (row["meta"]["calls"], row["meta"]["position_disagrees"]) == (len(kept), 0)
    assert row["meta"]["quality_score"] == 1.5
