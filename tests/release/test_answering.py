"""A chat's prompt and answer are those of an evaluation, to the token and to the letter."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import PreTrainedConfig

from eval.asking.generate import format_prompt, generate
from eval.asking.prompts import Prompt, read_prompts
from recipebook.errors import UserError
from recipebook.project import CHAT_TEMPLATES
from recipebook.recipe.evaluation_keys import Generation
from recipebook.run.rundir import Run
from release.answering import Answerer, TextPieces
from release.beginning import ChatOpening, find_beginning
from release.chatting import make_answerer
from release.opening import OpenedModel, find_trained, open_model

CALL = {"type": "function", "function": {"name": "look", "arguments": '{"far": true}'}}
MODEL: Any = SimpleNamespace(config=PreTrainedConfig())
ROWS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}]},
    {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "7 + 5?"},
            {"role": "assistant", "content": "12"},
        ]
    },
    {
        "messages": [
            {"role": "user", "content": "What is there?"},
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "content": "a wall", "tool_call_id": "1"},
            {"role": "assistant", "content": "A wall."},
        ],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {}}}],
    },
    {
        "messages": [{"role": "user", "content": "Hi"}],
        "chosen": {"role": "assistant", "content": "Good day."},
        "rejected": {"role": "assistant", "content": "What?"},
    },
]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    path = tmp_path_factory.mktemp("rows") / "test.jsonl"
    path.write_text("".join(json.dumps({**row, "meta": {"origin": str(at)}}) + "\n" for at, row in enumerate(ROWS)))
    return read_prompts(path, "all")


@pytest.mark.parametrize("template", ["chatml", "instruct"])
def test_a_chats_prompt_is_the_evaluations_to_the_token(template: str, tokenizer: Any, prompts: list[Prompt]) -> None:
    tokenizer.chat_template = (CHAT_TEMPLATES / f"{template}.jinja").read_text()
    assert len(prompts) == 6
    for prompt in prompts:
        answerer = Answerer(MODEL, tokenizer, Generation(), preference=prompt.preference)
        ids = tokenizer(format_prompt(tokenizer, prompt), add_special_tokens=False)["input_ids"]
        assert answerer.read(prompt.messages, prompt.tools) == ids


def test_system_turns_are_folded_as_in_training(tokenizer: Any) -> None:
    answerer = Answerer(MODEL, tokenizer, Generation(), system="fold")
    folded = answerer.read([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
    assert folded == Answerer(MODEL, tokenizer, Generation()).read([{"role": "user", "content": "Be brief.\n\nHi"}])


def test_pieces_add_up_and_hold_back_half_characters(tokenizer: Any) -> None:
    heard: list[str] = []
    pieces = TextPieces(tokenizer, heard.append)
    for token in tokenizer(" naïve 🤖 robots ", add_special_tokens=False)["input_ids"]:
        pieces.add(token)
    assert pieces.end() == "".join(heard) == "naïve 🤖 robots"
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in heard)


def ask(messages: list[Any], tools: tuple[Any, ...] = ()) -> Prompt:
    return Prompt("a", tuple(messages), tools, {"role": "assistant", "content": "b"}, None, {})


SYSTEM, USER = {"role": "system", "content": "s"}, {"role": "user", "content": "u"}


def test_what_all_rows_begin_with_is_found() -> None:
    assert find_beginning([ask([SYSTEM, USER])] * 2, "keep") == ChatOpening("s", ())
    assert find_beginning([ask([USER], ({"name": "look"},))] * 2, "drop") == ChatOpening(None, ({"name": "look"},))
    folded = [ask([{"role": "user", "content": f"Be brief.\n\nNo jokes.\n\n{text}"}]) for text in ("Hi", "How?")]
    assert find_beginning(folded, "fold") == ChatOpening("Be brief.\n\nNo jokes.", ())


def test_where_system_texts_differ_none_is_chosen_and_a_note_says_so() -> None:
    found = find_beginning([ask([SYSTEM, USER]), ask([USER])], "keep")
    assert found == ChatOpening(None, (), "rows have 2 different system texts, and this chat has none; SYSTEM=text")


@pytest.fixture
def opened(make_trained: Callable[..., Run], tmp_path: Path) -> tuple[Answerer, OpenedModel, list[Prompt]]:
    trained = find_trained(make_trained().name, runs=tmp_path)
    model = open_model(trained)
    return make_answerer(trained, model), model, trained.prompts


def test_answers_are_those_of_the_evaluation(opened: tuple[Answerer, OpenedModel, list[Prompt]]) -> None:
    answerer, model, prompts = opened
    evaluated = generate(model.model, model.tokenizer, prompts, Generation(max_new_tokens=8), "")
    assert [answerer.answer(prompt.messages).text for prompt in prompts] == [answer.text for answer in evaluated]


def test_a_chat_that_is_too_long_is_refused_and_one_that_nearly_is_gets_the_room_left(
    opened: tuple[Answerer, OpenedModel, list[Prompt]],
) -> None:
    answerer = opened[0]
    text = "a b c d e f g " * 400
    with pytest.raises(UserError, match=r"the chat has [\d,]+ tokens, and the model reads 1,024 at most"):
        answerer.answer([{"role": "user", "content": text}])


def test_an_adapter_of_zeros_is_refused(make_trained: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the adapter acts at no module"):
        open_model(find_trained(make_trained(acts=False).name, runs=tmp_path))
