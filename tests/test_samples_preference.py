"""The preference sample is what its generator makes: requests with the right steps and with spoilt ones."""

import json
from collections import Counter
from pathlib import Path

import pytest

from converters.preference import Options, convert
from recipebook.text.inline_calls import find_calls
from samples import _generator, make_preference
from stages._spoil import MISTAKEN

SAMPLE = Path(__file__).parents[1] / "samples" / "preference.jsonl"
RECORDS = [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def test_the_sample_is_what_its_generator_makes_and_is_small() -> None:
    assert make_preference.make(1500, seed=11) == RECORDS
    assert SAMPLE.stat().st_size < 700_000


def test_no_request_comes_twice() -> None:
    assert len({record["input"] for record in RECORDS}) == 1500


def test_the_four_mistakes_have_equal_shares() -> None:
    assert Counter(record["metadata"]["rejection_type"] for record in RECORDS) == {
        "wrong_tool": 375,
        "wrong_order": 375,
        "worse_arguments": 375,
        "missing_step": 375,
    }


def test_a_rejected_sequence_is_wrong_in_the_way_it_says() -> None:
    for record in RECORDS:
        right, wrong = (record[field]["tool_sequence"] for field in ("chosen_response", "rejected_response"))
        names, other_names = ([call.partition("(")[0] for call in calls] for calls in (right, wrong))
        differing = [at for at, (call, other) in enumerate(zip(right, wrong, strict=False)) if call != other]
        match record["metadata"]["rejection_type"]:
            case "wrong_tool":
                (at,) = differing
                assert other_names[at] in MISTAKEN[names[at]]
                assert wrong[at].removeprefix(other_names[at]) == right[at].removeprefix(names[at])
            case "worse_arguments":
                assert len(differing) == 1 and names == other_names
            case "wrong_order":
                assert wrong == right[::-1] != right
            case "missing_step":
                assert len(wrong) == 1 and len(right) == 2 and wrong[0] in right


def test_every_record_becomes_a_pair_whose_calls_can_be_read() -> None:
    for record in RECORDS:
        (row,) = convert(record, Options())
        written = [record[field]["tool_sequence"] for field in ("chosen_response", "rejected_response")]
        answers = [row["chosen"]["content"], row["rejected"]["content"]]
        assert answers == ["\n".join(f"<tool>{call}</tool>" for call in calls) for calls in written]
        assert [len(find_calls(answer)) for answer in answers] == [len(calls) for calls in written]


def test_a_difference_of_eight_tenths_keeps_every_pair_and_a_ratio_of_six_tenths_none() -> None:
    metas = [row["meta"] for record in RECORDS for row in convert(record, Options())]
    assert min(meta["difference"] for meta in metas) == 0.8
    assert max(meta["ratio"] for meta in metas) < 0.6


def test_a_generator_out_of_words_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_generator, "TRIES", 1)
    with pytest.raises(SystemExit, match=r"no more than [0-9]+ different requests"):
        make_preference.make(100_000, seed=1)
