"""The Toolformer sample is what its generator makes: three languages, six tools, calls that their texts ask for."""

import json
from collections import Counter
from pathlib import Path

import pytest

from converters.toolformer import Options, convert
from eval.metrics.toolformer import Options as MetricOptions
from eval.metrics.toolformer import score
from eval.reading.calls import read_api
from eval.scoring.predictions import Prediction
from recipebook.text.inline_calls import find_calls, remove_calls
from samples import _generator, make_toolformer

FOLDER = Path(__file__).parents[1] / "samples"
RECORDS = [json.loads(line) for line in (FOLDER / "toolformer.jsonl").read_text().splitlines()]
TWO_CALLS = "hello, keep just blue ones of size XL and then which is better, Lumo or Nova."


def test_the_sample_is_what_its_generator_makes_and_is_small() -> None:
    assert make_toolformer.make(2400, seed=7) == RECORDS
    assert (FOLDER / "toolformer.jsonl").stat().st_size < 1_000_000


def test_the_full_size_can_be_made_and_no_text_comes_twice() -> None:
    texts = [record["original_text"] for record in make_toolformer.make(25_000, seed=7)]
    assert len(set(texts)) == 25_000


def test_languages_have_equal_shares_and_a_sixth_each_has_no_call_or_two() -> None:
    assert Counter(record["language"] for record in RECORDS) == {"en": 800, "hi": 800, "mixed": 800}
    assert Counter(len(record["tool_calls"]) for record in RECORDS) == {0: 399, 1: 1602, 2: 399}


def test_texts_have_eight_to_sixteen_words() -> None:
    lengths = {len(record["original_text"].split()) for record in RECORDS}
    assert (min(lengths), max(lengths)) == (8, 16)


def test_every_call_is_inline_where_it_says_with_its_arguments() -> None:
    for record in RECORDS:
        assert remove_calls(record["augmented_text"]) == record["original_text"]
        assert [(call.name, call.arguments, call.position) for call in find_calls(record["augmented_text"])] == [
            (call["tool_name"], call["arguments"], call["position"]) for call in record["tool_calls"]
        ]


def test_all_six_tools_are_used_and_every_call_is_allowed() -> None:
    assert {call["tool_name"] for record in RECORDS for call in record["tool_calls"]} == set(
        read_api(FOLDER / "toolformer_tools.yaml")
    )
    texts = [record["augmented_text"] for record in RECORDS if record["tool_calls"]]
    scores = score([Prediction(id=text, prediction=text, reference=text) for text in texts], MetricOptions())
    assert {one["valid"] for one in scores} == {1.0}


def test_utility_is_the_share_of_words_that_the_call_takes_up_and_quality_their_mean() -> None:
    (record,) = [record for record in RECORDS if record["original_text"] == TWO_CALLS]
    # blue and XL of seven words; Lumo and Nova of six.
    assert [call["utility_score"] for call in record["tool_calls"]] == [0.29, 0.33]
    assert record["quality_score"] == 0.31


def test_every_record_becomes_a_row_as_it_was_annotated() -> None:
    rows = [row for record in RECORDS for row in convert(record, Options())]
    assert [row["messages"][1]["content"] for row in rows] == [record["augmented_text"] for record in RECORDS]
    assert {row["meta"]["position_disagrees"] for row in rows} == {0}


def test_a_generator_out_of_words_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_generator, "TRIES", 1)
    with pytest.raises(SystemExit, match=r"no more than [0-9]+ different texts"):
        make_toolformer.make(100_000, seed=1)
