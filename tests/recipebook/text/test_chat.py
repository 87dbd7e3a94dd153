"""Chats as text: a prompt and an answer as training writes them, and by which token a template ends an answer."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from recipebook.text.chat import (
    KEYS,
    WrittenTurn,
    apply_settings,
    find_end_token,
    format_prompt,
    render,
    write_answers,
    write_turn,
)

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "templates" / "chat"
REAL = ROOT / ".cache" / "models" / "smollm2-135m-instruct"


CHATML = "{% for one in messages %}<|im_start|>{{ one.role }}\n{{ one.content }}<|im_end|>\n{% endfor %}"
# As Qwen3 writes the last answer of a chat.
THINKING = """\
{% for one in messages %}<|im_start|>{{ one.role }}
{% if loop.last and one.role == 'assistant' %}<think>
{{ one.reasoning_content or '' }}
</think>

{% endif %}{{ one.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
ASKED: Any = [{"role": "user", "content": "go"}]
CALL: Any = {"type": "function", "function": {"name": "f", "arguments": '{"a":1,"b":"caf\\u00e9"}'}}


@pytest.fixture
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(ROOT / "models" / "tiny-base")


def say(text: str, **more: Any) -> Any:
    return {"role": "assistant", "content": text, **more}


def test_arguments_are_objects_for_the_template(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for one in messages[-1].tool_calls %}{{ one.function.arguments | tojson }}{% endfor %}"
    )
    assert render(tokenizer, [*ASKED, say("", tool_calls=[CALL])]) == '{"a": 1, "b": "café"}'


def test_the_shipped_template_writes_arguments_as_one_text_however_they_were_spaced(tokenizer: Any) -> None:
    tokenizer.chat_template = (TEMPLATES / "chatml.jinja").read_text()
    written = write_turn(tokenizer, ASKED, say("", tool_calls=[CALL]))
    assert written.answer == '<tool_call>{"name": "f", "arguments": {"a": 1, "b": "café"}}</tool_call><|im_end|>'


def test_a_templates_settings_hold_for_all_texts(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ mood }}: {% for one in messages %}{{ one.content }}{{ eos_token }}{% endfor %}"
    apply_settings(tokenizer, {"mood": "calm"})
    assert write_turn(tokenizer, ASKED, say("yes")) == WrittenTurn("calm: go<|im_end|>", "yes<|im_end|>")


def test_nulls_and_marks_are_not_shown_to_the_template(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ messages[0] | tojson }}{{ tools | tojson }}"
    message: Any = {**ASKED[0], "tool_calls": None, "train": False}
    tools = [{"type": "function", "function": {"name": "f", "description": None}}]
    assert render(tokenizer, [message], tools) == (
        '{"role": "user", "content": "go"}[{"type": "function", "function": {"name": "f"}}]'
    )


def test_axolotl_is_given_the_same_keys_of_messages() -> None:
    mapping = ", ".join(f"{key}: {key}" for key in KEYS)
    assert f"message_property_mappings: {{{mapping}}}" in (ROOT / "templates" / "sft.yaml.j2").read_text()


def test_what_the_template_writes_before_an_answer_is_part_of_the_prompt(tokenizer: Any) -> None:
    tokenizer.chat_template = THINKING
    before = "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n<think>\n"
    assert write_turn(tokenizer, ASKED, say("yes")) == WrittenTurn(before + "\n</think>\n\n", "yes<|im_end|>")
    assert format_prompt(tokenizer, ASKED) == before + "\n</think>\n\n"


def test_thoughts_are_part_of_the_answer_and_their_opening_of_the_prompt(tokenizer: Any) -> None:
    tokenizer.chat_template = THINKING
    written = write_turn(tokenizer, ASKED, say("yes", reasoning_content="a road"))
    assert written.prompt.endswith("assistant\n<think>\n")
    assert written.answer == "a road\n</think>\n\nyes<|im_end|>"


def test_an_answer_is_written_as_the_whole_dialogue_has_it(tokenizer: Any) -> None:
    tokenizer.chat_template = THINKING
    written = write_turn(tokenizer, ASKED, say("yes"), after=[*ASKED, say("no")])
    assert written == WrittenTurn("<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n", "yes<|im_end|>")


def test_a_token_of_template_and_answer_belongs_to_the_answer(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for one in messages %}{{ one.role }}: {{ one.content }}{{ eos_token }}{% endfor %}"
    written = write_turn(tokenizer, ASKED, say("yes"))
    assert written.prompt + written.answer == "user: go<|im_end|>assistant: yes<|im_end|>"
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in written]
    assert ids[0] + ids[1] == tokenizer("".join(written), add_special_tokens=False)["input_ids"]


def test_a_turns_end_that_stands_far_away_is_not_the_answers(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for one in messages %}{{ one.content }}\n\n### and so on\n{{ eos_token }}{% endfor %}"
    assert write_turn(tokenizer, ASKED, say("yes")).answer == "yes"


def test_several_answers_follow_the_templates_prompt_for_generation(tokenizer: Any) -> None:
    tokenizer.chat_template = THINKING
    prompt, answers = write_answers(tokenizer, ASKED, [say("yes"), say("no", reasoning_content="a road")])
    assert prompt == "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n"
    assert answers == ["<think>\n\n</think>\n\nyes<|im_end|>", "<think>\na road\n</think>\n\nno<|im_end|>"]


def test_several_answers_that_do_not_follow_it_share_the_text_before_them(tokenizer: Any) -> None:
    opening = "{% if add_generation_prompt %}<think>{% endif %}"
    tokenizer.chat_template = "{% for one in messages %}[{{ one.content }}]{% endfor %}" + opening
    assert write_answers(tokenizer, ASKED, [say("yes"), say("yet")]) == ("[go][", ["yes]", "yet]"])


@given(st.text(min_size=1), st.text(min_size=1))
def test_prompt_and_answer_are_the_whole_text_whatever_is_said(asked: str, said: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "models" / "tiny-base")
    tokenizer.chat_template = CHATML
    written = write_turn(tokenizer, [{"role": "user", "content": asked}], say(said))
    assert written.prompt == f"<|im_start|>user\n{asked}<|im_end|>\n<|im_start|>assistant\n"
    assert written.answer == f"{said}<|im_end|>"


@pytest.mark.parametrize("eos", ["<|im_end|>", "<|endoftext|>"])
def test_the_end_is_the_token_that_the_template_writes(tokenizer: Any, eos: str) -> None:
    tokenizer.chat_template = (TEMPLATES / "chatml.jinja").read_text()
    tokenizer.eos_token = eos
    assert tokenizer.decode(find_end_token(tokenizer)) == "<|im_end|>"


@pytest.mark.parametrize("eos", ["<|im_end|>", "<|endoftext|>"])
def test_a_template_that_writes_the_tokenizers_end_follows_it(tokenizer: Any, eos: str) -> None:
    tokenizer.chat_template = (TEMPLATES / "instruct.jinja").read_text()
    tokenizer.eos_token = eos
    assert tokenizer.decode(find_end_token(tokenizer)) == eos


def test_a_template_that_ends_turns_by_text_has_no_end_token(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for one in messages %}{{ one.role }}: {{ one.content }}\n{% endfor %}"
    assert find_end_token(tokenizer) is None


def test_a_token_behind_the_line_break_is_found(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for one in messages %}{{ one.content }}\n<|im_start|>{% endfor %}"
    assert tokenizer.decode(find_end_token(tokenizer)) == "<|im_start|>"


@pytest.mark.long  # its goal makes the small model first
def test_the_small_model_ends_turns_by_its_own_end() -> None:
    tokenizer = AutoTokenizer.from_pretrained(REAL)
    assert find_end_token(tokenizer) == tokenizer.eos_token_id == 2
