"""How much better a pair's chosen answer is: what the formulas give, and which pairs a threshold leaves out."""

import json
from pathlib import Path
from typing import Any

import pytest

from converters.preference import STRENGTHS, Options, convert
from recipebook.data.conversion import convert_file
from recipebook.errors import UserError
from recipebook.options import check_options
from recipebook.rows import BadRecord, LeftOut

PAIR = {"prompt": "hi", "chosen": "hello", "rejected": "no"}


def pair_scores(chosen: Any, rejected: Any) -> dict[str, Any]:
    return {
        "input": "find caps",
        "chosen_response": {"tool_sequence": ["search"], "quality_score": chosen},
        "rejected_response": {"tool_sequence": ["compare"], "quality_score": rejected},
    }


def read_strengths(record: dict[str, Any]) -> dict[str, Any]:
    """The strengths that the record's row keeps."""
    (row,) = convert(record, Options())
    return {name: row["meta"][name] for name in STRENGTHS if name in row["meta"]}


@pytest.mark.parametrize(
    ("chosen", "rejected", "strengths"),
    [
        (4.2, 2.8, {"difference": 1.4, "ratio": 0.2}),
        (1.7, 1.1, {"difference": 0.6, "ratio": 0.214286}),
        (3, 3, {"difference": 0.0, "ratio": 0.0}),
        (1, 3, {"difference": -2.0, "ratio": -0.5}),
        (1.5, -1.5, {"difference": 3.0}),
        (4.2, None, {}),
    ],
)
def test_strength_is_the_difference_and_its_share_of_the_sum(chosen: Any, rejected: Any, strengths: Any) -> None:
    assert read_strengths(pair_scores(chosen, rejected)) == strengths


def test_strength_is_read_from_metadata_and_the_score_from_the_record() -> None:
    record = {"preference_score": 0.5, "metadata": {"chosen_score": 1.5, "rejected_score": 0.5}}
    assert read_strengths({**PAIR, **record}) == {"difference": 1.0, "ratio": 0.5, "score": 0.5}


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 10**400, 1e200])
def test_scores_without_a_sensible_size_are_refused(score: float) -> None:
    with pytest.raises(BadRecord, match=r"^'quality_score' is no number of a sensible size$"):
        convert(pair_scores(score, 1), Options())


def test_a_pair_at_the_threshold_stays() -> None:
    (row,) = convert(pair_scores(4.2, 2.8), Options(strength="ratio", threshold=0.2))
    assert row["meta"] == {"category": "uncategorised", "difference": 1.4, "ratio": 0.2}
    with pytest.raises(LeftOut, match=r"^strength under the threshold$"):
        convert(pair_scores(4.2, 2.8), Options(strength="ratio", threshold=0.21))


def test_a_threshold_without_a_formula_is_a_mistake() -> None:
    with pytest.raises(UserError) as error:
        check_options(Options, {"threshold": 0.6}, "converter preference")
    assert str(error.value) == (
        "converter preference: option 'threshold': Value error, means nothing without strength, "
        "one of difference, ratio, score, got 0.6"
    )


@pytest.mark.parametrize("name", ["chosen_score", "score_chosen", "chosen_rating", "chosen-rating"])
def test_scores_of_the_record_or_its_metadata_become_strengths(name: str) -> None:
    scores = {name: 4, name.replace("chosen", "rejected"): 1}
    expected = {"difference": 3.0, "ratio": 0.6}
    assert read_strengths({**PAIR, **scores}) == read_strengths({**PAIR, "metadata": scores}) == expected


def test_pairs_whose_scores_point_the_wrong_way_are_counted_in_the_account(tmp_path: Path) -> None:
    scores = [(4.0, 1.0), (1.0, 4.0), (2.0, 2.0), (2.5, 3.0)]
    records = [{**PAIR, "chosen_score": chosen, "rejected_score": rejected} for chosen, rejected in scores]
    source, out = tmp_path / "pairs.jsonl", tmp_path / "rows.jsonl"
    source.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    told = "has a chosen answer whose score is lower than the rejected one's: 2 rows (first: pairs.jsonl:2: record 2)"
    account = convert_file("preference", str(source), out, {})
    assert [note.replace(f"{tmp_path}/", "") for note in account.notes] == [told]
    # The rows themselves are counted again, and so are rows of which only the difference is known.
    assert convert(json.loads(out.read_bytes().splitlines()[1]), Options())[0]["meta"]["scores_reversed"] == 1
    answers = {"chosen": {"role": "assistant", "content": "hello"}, "rejected": {"role": "assistant", "content": "no"}}
    row = {"messages": [{"role": "user", "content": "hi"}], **answers, "meta": {"difference": -3.0}}
    assert convert(row, Options())[0]["meta"] == {"difference": -3.0, "scores_reversed": 1}


def test_a_row_with_a_strength_is_measured_by_it_again() -> None:
    weak = {**PAIR, "meta": {"category": "a", "difference": 0.5}}
    assert convert(weak, Options(strength="difference", threshold=0.5))[0]["meta"] == weak["meta"]
    with pytest.raises(LeftOut):
        convert(weak, Options(strength="difference", threshold=0.6))
