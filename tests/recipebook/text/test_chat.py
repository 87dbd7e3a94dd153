"""Chats as text: by which token a template ends an answer, whatever the tokenizer's own end is."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from recipebook.text.chat import find_end_token

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "templates" / "chat"
REAL = ROOT / ".cache" / "models" / "smollm2-135m-instruct"


@pytest.fixture
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(ROOT / "models" / "tiny-base")


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
