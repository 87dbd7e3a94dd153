"""What a row has and its text has not is named: it is a note where neither training nor evaluation sees it."""

from typing import Any

import pytest

from recipebook.rows import Message
from recipebook.text.chat import WrittenTurn
from tests.trainer.templates import open_tokenizer
from trainer.checks import MASKED, NOTE, TextFinding, check_chat, check_preference

ASKED: Message = {"role": "user", "content": "Rain today?"}
ANSWER: Message = {"role": "assistant", "content": "No."}
SYSTEM: Message = {"role": "system", "content": "Be kind."}
TOOLS = [{"type": "function", "function": {"name": "weather"}}]
WRITTEN = WrittenTurn("user: Rain  today?\n", "No.")


def name(what: str) -> TextFinding:
    return TextFinding(NOTE, f"the chat template does not write a row's {what}: training and evaluation go without")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"messages": [ASKED]}, None),
        ({"messages": [SYSTEM, ASKED]}, "system turn"),
        ({"messages": [ASKED], "tools": TOOLS}, "tools"),
        ({"messages": [{**ASKED, "name": "Ann"}]}, "names of speakers"),
        ({"messages": [{**ASKED, "name": "user"}]}, None),
        (
            {"messages": [SYSTEM, {**ASKED, "name": "Ann"}], "tools": TOOLS},
            "system turn and tools and names of speakers",
        ),
    ],
)
def test_what_the_template_leaves_out_of_a_pair_is_named(row: dict[str, Any], what: str | None) -> None:
    assert check_preference(row, [ANSWER], [WRITTEN]) == ([name(what)] if what else [])


def test_what_the_template_leaves_out_of_a_chat_is_named_once() -> None:
    template = (
        "{% for one in messages if one.role != 'system' %}{{ one.role + ': ' + one.content + eos_token }}{% endfor %}"
    )
    tokenizer = open_tokenizer(template)
    text = "user: Rain today?<|im_end|>assistant: No.<|im_end|>"
    ids = tokenizer(text.replace("<|im_end|>", tokenizer.eos_token), add_special_tokens=False)["input_ids"]
    labels = [MASKED] * len(ids)
    row = {"messages": [SYSTEM, ASKED, ANSWER], "tools": TOOLS}
    found = check_chat(tokenizer, row, ids, labels, {tokenizer.eos_token_id})
    assert [each for each in found if each.kind == NOTE and "row's" in each.text] == [name("system turn and tools")]


def test_thoughts_that_are_not_written_come_with_what_to_do() -> None:
    (found,) = check_preference({"messages": [ASKED]}, [{**ANSWER, "reasoning_content": "Dry."}], [WRITTEN])
    assert found.text == (
        "the text that carries loss is without an answer's thoughts; name a chat template that writes "
        "'reasoning_content', or take that field out of the data"
    )
