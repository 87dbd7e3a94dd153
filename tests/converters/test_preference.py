"""The preference converter: any record becomes one pair or is refused, and a threshold means what its formula says."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.preference import Options, convert, measure_strength, recognise
from recipebook.errors import UserError
from recipebook.options import check_options
from recipebook.rows import BadRecord, LeftOut
from recipebook.text.inline_calls import find_calls

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.sampled_from(["hi", "search", "f(x=1)"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
ROLES = st.sampled_from(["user", "assistant", "system", "human", "gpt"])
MESSAGES = st.fixed_dictionaries({"role": ROLES | JSON, "content": TEXTS | JSON}) | st.fixed_dictionaries(
    {"from": ROLES | JSON, "value": TEXTS | JSON}
)
ANSWERS = JSON | MESSAGES | st.lists(MESSAGES, max_size=3)
CALLS = st.fixed_dictionaries({"tool_name": TEXTS | JSON, "arguments": JSON | st.dictionaries(TEXTS, JSON)})
SEQUENCES = JSON | st.lists(TEXTS | CALLS | st.fixed_dictionaries({"tool_call": CALLS | JSON}), max_size=3)
RESPONSES = JSON | st.fixed_dictionaries({"tool_sequence": SEQUENCES}, optional={"quality_score": st.floats() | JSON})
METADATA = JSON | st.dictionaries(st.sampled_from(["category", "type", "chosen_score", "rejected_score"]), JSON)
RECORDS = (
    st.fixed_dictionaries(
        {"input": JSON, "chosen_response": RESPONSES, "rejected_response": RESPONSES}, optional={"metadata": METADATA}
    )
    | st.fixed_dictionaries(
        {"context": JSON, "chosen_trajectory": SEQUENCES, "rejected_trajectory": SEQUENCES},
        optional={"preference_score": JSON, "metadata": METADATA},
    )
    | st.fixed_dictionaries(
        {"chosen": ANSWERS, "rejected": ANSWERS},
        optional={"prompt": ANSWERS, "conversations": ANSWERS, "metadata": METADATA},
    )
)


def pair_scores(chosen: Any, rejected: Any) -> dict[str, Any]:
    return {
        "input": "find caps",
        "chosen_response": {"tool_sequence": ["search"], "quality_score": chosen},
        "rejected_response": {"tool_sequence": ["compare"], "quality_score": rejected},
    }


# The machine may be busy: what is tested is no matter of milliseconds.
@settings(deadline=None)
@given(RECORDS)
def test_any_record_becomes_one_pair_or_is_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason)
    else:
        turns = [*row["messages"], row["chosen"], row["rejected"]]
        assert all(type(turn["content"]) is str and turn["content"].strip() for turn in turns)
        assert any(turn["role"] == "user" for turn in row["messages"])
        assert (row["chosen"]["role"], row["rejected"]["role"]) == ("assistant", "assistant")
        assert row["chosen"] != row["rejected"]
        assert {type(value) for value in row["meta"].values()} <= {str, int, float}


@settings(deadline=None)
@given(calls=st.lists(st.tuples(st.sampled_from(["search", "filter"]), st.dictionaries(TEXTS, TEXTS)), min_size=1))
def test_calls_of_a_trajectory_are_read_as_they_were(calls: list[tuple[str, dict[str, str]]]) -> None:
    steps = [{"tool_call": {"tool_name": name, "arguments": arguments}} for name, arguments in calls]
    record = {"context": "do it", "chosen_trajectory": steps, "rejected_trajectory": [{"tool_name": "other"}]}
    (row,) = convert(record, Options())
    assert [(call.name, call.arguments) for call in find_calls(row["chosen"]["content"])] == calls


PIECES = st.sampled_from(["f(", ")", "x=", "'", "a", "<tool>", "</tool>", "[", "]", "[g(", ", ", "\\", "1"])


@settings(deadline=None)
@given(inner=st.lists(PIECES, max_size=8).map("".join))
def test_a_string_is_taken_as_a_call_only_if_it_can_be_read_as_one(inner: str) -> None:
    record = {"context": "do it", "chosen_trajectory": [f"f({inner})"], "rejected_trajectory": ["other"]}
    try:
        (row,) = convert(record, Options())
    except BadRecord as reason:
        assert str(reason) == "an item of 'chosen_trajectory' is neither a tool's name nor a call"
    else:
        written = row["chosen"]["content"]
        assert [(call.start, call.end) for call in find_calls(written)] == [(0, len(written))]


@pytest.mark.parametrize(
    ("chosen", "rejected", "strengths"),
    [
        (4.2, 2.8, {"difference": 1.4, "ratio": 0.2, "score": None}),
        (1.7, 1.1, {"difference": 0.6, "ratio": 0.214286, "score": None}),
        (3, 3, {"difference": 0.0, "ratio": 0.0, "score": None}),
        (1, 3, {"difference": -2.0, "ratio": -0.5, "score": None}),
        (1.5, -1.5, {"difference": 3.0, "ratio": None, "score": None}),
        (4.2, None, {"difference": None, "ratio": None, "score": None}),
    ],
)
def test_strength_is_the_difference_and_its_share_of_the_sum(chosen: Any, rejected: Any, strengths: Any) -> None:
    assert measure_strength(pair_scores(chosen, rejected)) == strengths


def test_strength_is_read_from_metadata_and_the_score_from_the_record() -> None:
    record = {"preference_score": 0.5, "metadata": {"chosen_score": 1.5, "rejected_score": 0.5}}
    assert measure_strength(record) == {"difference": 1.0, "ratio": 0.5, "score": 0.5}


@pytest.mark.parametrize("score", [float("nan"), float("inf"), 10**400, 1e200])
def test_scores_without_a_sensible_size_are_refused(score: float) -> None:
    with pytest.raises(BadRecord, match=r"^'quality_score' is no number of a sensible size$"):
        measure_strength(pair_scores(score, 1))


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


def test_arguments_nested_too_deeply_are_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    record = {"context": "a", "chosen_trajectory": [{"tool_name": "f", "arguments": {"x": deep}}]}
    with pytest.raises(BadRecord, match=r"^'arguments' of a call of 'chosen_trajectory' are nested too deeply$"):
        convert(record, Options())


def test_a_call_by_the_megabyte_takes_linear_time() -> None:
    record = pair_scores(2, 1)
    record["chosen_response"]["tool_sequence"] = ["f(" * 500_000]
    start = time.process_time()
    with pytest.raises(BadRecord, match="neither a tool's name nor a call"):
        convert(record, Options())
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"input": "a", "chosen_response": {}, "rejected_response": {}}, "'input', 'chosen_response'"),
        ({"context": "a", "chosen_trajectory": [], "rejected_trajectory": []}, "'context', 'chosen_trajectory'"),
        ({"conversations": [], "chosen": {}, "rejected": {}}, "'conversations', 'chosen'"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "'prompt', 'chosen'"),
    ],
)
def test_pairs_are_recognised_by_both_answers_and_the_prompt(record: dict[str, Any], reason: str) -> None:
    assert (recognise(record) or "").startswith(f"have {reason} and 'rejected")
    assert recognise({field: value for field, value in record.items() if "rejected" not in field}) is None


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"prompt": [{"role": "system", "content": "be brief"}], "chosen": "yes", "rejected": "no"}, "prompt"),
        (
            {
                "chosen": [{"role": "assistant", "content": "0"}, {"role": "assistant", "content": "0"}],
                "rejected": {"role": "assistant", "content": "00"},
            },
            "chosen",
        ),
    ],
)
def test_a_prompt_without_a_user_is_refused_wherever_it_stands(record: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRecord, match=f"'{field}' has no user's message"):
        convert(record, Options())
