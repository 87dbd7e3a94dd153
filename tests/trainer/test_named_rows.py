"""A row that a template refuses is named by the error, read alone and among others."""

from typing import Any

import pytest
from axolotl.prompt_strategies.chat_template import load
from axolotl.utils.dict import DictDefault
from transformers import AutoTokenizer

from recipebook.project import PROJECT
from trainer.named_rows import name_broken_rows

PICKY = (
    "{% for one in messages %}{{ raise_exception('no thoughts') if '</think>' in one.content }}"
    "{{ one.role + ': ' + one.content + eos_token }}{% endfor %}"
)


def make_row(number: int, said: str) -> dict[str, Any]:
    asked = {"role": "user", "content": "go"}
    return {"messages": [asked, {"role": "assistant", "content": said}], "meta": {"origin": f"x.jsonl#{number}"}}


def make_strategy() -> Any:
    tokenizer = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    tokenizer.chat_template = PICKY
    cfg = DictDefault({"chat_template": "jinja", "chat_template_jinja": PICKY, "sequence_len": 512})
    settings = {"type": "chat_template", "field_messages": "messages", "roles_to_train": ["assistant"]}
    return load(tokenizer, cfg, DictDefault(settings))


def test_a_row_that_the_template_refuses_is_named() -> None:
    name_broken_rows()
    name_broken_rows()
    strategy = make_strategy()
    assert strategy.tokenize_prompt(make_row(1, "yes"))["input_ids"]
    with pytest.raises(ValueError, match=r"^x.jsonl#2: no thoughts$"):
        strategy.tokenize_prompt(make_row(2, "a</think>b"))
    rows = [make_row(3, "yes"), make_row(4, "a</think>b")]
    with pytest.raises(ValueError, match=r"^x.jsonl#4: no thoughts$"):
        strategy.tokenize_prompt({key: [row[key] for row in rows] for key in rows[0]})
