"""A tokenizer that remembers returns what the tokenizer itself returns, and asks it once."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from recipebook.project import CHAT_TEMPLATES, PROJECT
from trainer.remembering import RememberingTokenizer

CHAT = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "café"}]


@pytest.fixture(scope="module")
def plain() -> Any:
    tokenizer = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    tokenizer.chat_template = Path(CHAT_TEMPLATES / "chatml.jinja").read_text()
    return tokenizer


@pytest.mark.parametrize(
    "settings",
    [{}, {"add_generation_prompt": True}, {"tools": [{"type": "function"}]}, {"chat_template": "{{ messages }}"}],
)
def test_texts_and_tokens_are_the_tokenizers_own(plain: Any, settings: dict[str, Any]) -> None:
    remembering = RememberingTokenizer(plain)
    for _ in range(2):
        assert remembering.apply_chat_template(CHAT, tokenize=False, **settings) == plain.apply_chat_template(
            CHAT, tokenize=False, **settings
        )
        for dictionary in (True, False):
            ours = remembering.apply_chat_template(CHAT, return_dict=dictionary, **settings)
            theirs = plain.apply_chat_template(CHAT, return_dict=dictionary, **settings)
            assert (ours["input_ids"] == theirs["input_ids"]) if dictionary else (ours == theirs)


@pytest.mark.parametrize("settings", [{}, {"add_special_tokens": False}, {"return_offsets_mapping": True}])
def test_tokens_of_a_text_are_the_tokenizers_own(plain: Any, settings: dict[str, Any]) -> None:
    remembering = RememberingTokenizer(plain)
    theirs = plain("go café", **settings)
    assert {name: remembering("go café", **settings)[name] for name in theirs} == dict(theirs)


def test_a_chat_is_rendered_once_until_it_is_forgotten(plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[Any] = []
    render_chat = plain.apply_chat_template

    def render(chat: Any, **settings: Any) -> Any:
        rendered.append(chat)
        return render_chat(chat, **settings)

    monkeypatch.setattr(plain, "apply_chat_template", render)
    remembering = RememberingTokenizer(plain)
    remembering.apply_chat_template(CHAT, tokenize=False)
    remembering.apply_chat_template(CHAT, tokenize=False, tools=None, add_generation_prompt=False)
    remembering.apply_chat_template(CHAT)
    assert len(rendered) == 1
    remembering.apply_chat_template([dict(reversed(CHAT[0].items())), CHAT[1]], tokenize=False)
    assert len(rendered) == 2
    remembering.forget()
    remembering.apply_chat_template(CHAT, tokenize=False)
    assert len(rendered) == 3


def test_what_a_caller_does_to_its_tokens_changes_no_others(plain: Any) -> None:
    remembering = RememberingTokenizer(plain)
    first = remembering("go", add_special_tokens=False)["input_ids"]
    first.append(0)
    assert remembering("go", add_special_tokens=False)["input_ids"] == first[:-1]


def test_a_number_that_no_key_can_hold_is_rendered_each_time(plain: Any) -> None:
    chat = [{"role": "user", "content": str(2**70), "number": 2**70}]
    remembering = RememberingTokenizer(plain)
    assert remembering.apply_chat_template(chat, tokenize=False) == plain.apply_chat_template(chat, tokenize=False)


def test_everything_else_is_the_tokenizers(plain: Any) -> None:
    remembering = RememberingTokenizer(plain)
    assert remembering.eos_token_id == plain.eos_token_id
    assert len(remembering) == len(plain)
