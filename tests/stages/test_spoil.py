"""Spoiled answers are wrong in one way, and written like good ones."""

import random

from hypothesis import given
from hypothesis import strategies as st

from recipebook.text.inline_calls import remove_calls
from stages._spoil import MISTAKEN, Mistakes, collect_values, find_placed, leave_out, reorder, spoil, take_another_tool
from stages._spoil import worsen_arguments as worsen

TEXT = "लाल जूता <tool>search(query='लाल जूता', max_price=400)</tool> और <tool>filter(size='XL')</tool> आज"
VALUES = {("search", "query"): ["'लाल जूता'", "'ऊनी कोट'"], ("filter", "size"): ["'XL'"]}
MISTAKES = Mistakes({"search": ["compare"]}, VALUES)
RNG = random.Random(1)


def test_calls_and_their_values_are_found_by_characters() -> None:
    found = [(call.name, TEXT[slice(*call.named)], {k: TEXT[slice(*v)] for k, v in call.values.items()})
             for call in find_placed(TEXT)]  # fmt: skip
    assert found == [
        ("search", "search", {"query": "'लाल जूता'", "max_price": "400"}),
        ("filter", "filter", {"size": "'XL'"}),
    ]
    code = 'robot.turn("left", angle=90)\n; robot.stop()'
    placed = find_placed(code)
    assert [code[slice(*call.whole)] for call in placed] == ['robot.turn("left", angle=90)', "robot.stop()"]
    assert [call.name for call in placed] == ["robot.turn", "robot.stop"]
    assert find_placed("stop now") == find_placed("stop") == find_placed("") == []


def test_each_rule_makes_its_mistake_and_no_other() -> None:
    calls = find_placed(TEXT)
    assert take_another_tool(TEXT, calls, MISTAKES, RNG) == TEXT.replace("search(", "compare(")
    assert worsen(TEXT, calls, MISTAKES, RNG) == TEXT.replace("='लाल जूता'", "='ऊनी कोट'")
    assert reorder(TEXT, calls, MISTAKES, RNG) == (
        "लाल जूता <tool>filter(size='XL')</tool> और <tool>search(query='लाल जूता', max_price=400)</tool> आज"
    )
    assert leave_out(TEXT, calls, MISTAKES, random.Random(0)) in (
        "लाल जूता और <tool>filter(size='XL')</tool> आज",
        "लाल जूता <tool>search(query='लाल जूता', max_price=400)</tool> और आज",
    )


def test_capital_names_stay_capital() -> None:
    text = "a coat [SEARCH(query='a coat')] please"
    assert take_another_tool(text, find_placed(text), MISTAKES, RNG) == "a coat [COMPARE(query='a coat')] please"


def test_calls_that_are_all_that_is_said_lose_a_step_but_not_the_last_one() -> None:
    code = "robot.stop()\nrobot.turn(angle=90)\nrobot.release()"
    outcomes = {leave_out(code, find_placed(code), MISTAKES, random.Random(seed)) for seed in range(20)}
    assert outcomes == {
        "robot.turn(angle=90)\nrobot.release()",
        "robot.stop()\nrobot.release()",
        "robot.stop()\nrobot.turn(angle=90)",
    }
    assert leave_out("robot.stop()", find_placed("robot.stop()"), MISTAKES, RNG) is None


def test_values_come_from_other_answers_as_they_are_written() -> None:
    assert collect_values(["robot.turn(angle=90)", "robot.turn(angle=45.0)", "no call"]) == {
        ("robot.turn", "angle"): ["45.0", "90"]
    }


def test_a_call_without_equals_or_values_is_spoiled_by_no_rule_that_needs_them() -> None:
    assert spoil("robot.stop()", Mistakes({}, {}), RNG) == []
    assert spoil("thank you", MISTAKES, RNG) == []


@given(st.text(), st.sampled_from(list(MISTAKEN)), st.integers(0, 9))
def test_words_around_a_call_are_never_touched(words: str, tool: str, seed: int) -> None:
    text = f"{words} <tool>{tool}(a='b')</tool> x"
    spoiled = spoil(text, Mistakes(MISTAKEN, {(tool, "a"): ["'b'", "'c'"]}), random.Random(seed))
    assert {rule for rule, _ in spoiled} >= {"wrong_tool", "worse_arguments"}
    assert {"".join(remove_calls(worse).split()) for _, worse in spoiled} == {"".join(remove_calls(text).split())}
