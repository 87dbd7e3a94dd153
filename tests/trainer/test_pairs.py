"""Pairs: both answers as the chat template writes them behind their prompt, tools and calls included."""

from pathlib import Path
from typing import Any

import pytest
from axolotl.prompt_strategies.dpo import load as load_strategy
from axolotl.prompt_strategies.kto import load as load_kto_strategy
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from recipebook.project import CHAT_TEMPLATES, PROJECT
from trainer.pairs import write_both, write_pair

ASKED = [{"role": "user", "content": "go"}]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    loaded = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    loaded.chat_template = (Path(CHAT_TEMPLATES) / "chatml.jinja").read_text()
    return loaded


def say(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize("text", ["user", "m", "robot.stop()", "two\nlines"])
def test_an_answer_is_whole_whatever_it_says(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    assert write_pair({"messages": ASKED, "chosen": say(text), "rejected": say("no")}, tokenizer) == {
        "prompt": "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n",
        "chosen": f"{text}<|im_end|>",
        "rejected": "no<|im_end|>",
    }


def test_calls_and_tools_are_written_without_the_nulls_of_other_rows(tokenizer: PreTrainedTokenizerBase) -> None:
    tool = {"type": "function", "function": {"name": "stop", "description": None}}
    call = {"type": "function", "function": {"name": "stop", "arguments": "{}"}}
    row = {
        "messages": [{**ASKED[0], "tool_calls": None}],
        "tools": [tool],
        "chosen": {**say(""), "tool_calls": [call]},
        "rejected": {**say("no"), "tool_calls": None},
        "meta": {"origin": "x#1"},
    }
    assert write_pair(row, tokenizer) == {
        "prompt": "<|im_start|>system\nTools:\n"
        '{"type": "function", "function": {"name": "stop"}}\n'
        'Call one by <tool_call>{"name": ..., "arguments": {...}}</tool_call>.<|im_end|>\n'
        "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n",
        "chosen": '<tool_call>{"name": "stop", "arguments": {}}</tool_call><|im_end|>',
        "rejected": "no<|im_end|>",
    }


def test_a_start_of_text_that_the_tokenizer_adds_is_not_written_twice() -> None:
    class Starting:
        bos_token, bos_token_id = "<s>", 1

        def __call__(self, text: str) -> dict[str, list[int]]:
            return {"input_ids": [1]}

        def apply_chat_template(self, messages: list[dict[str, str]], **settings: Any) -> str:
            return "<s>" + "".join(f"[{message['content']}]" for message in messages)

    row = {"messages": ASKED, "chosen": say("yes"), "rejected": say("no")}
    assert write_pair(row, Starting()) == {"prompt": "[go]", "chosen": "[yes]", "rejected": "[no]"}


def test_kto_takes_a_pair_as_a_desirable_and_an_undesirable_answer(tokenizer: PreTrainedTokenizerBase) -> None:
    columns: dict[str, list[Any]] = {
        "messages": [ASKED, [{"role": "user", "content": "on"}]],
        "chosen": [say("yes"), say("lamp.on()")],
        "rejected": [say("no"), say("lamp.off()")],
        "meta": [{"origin": "x#1"}, {"origin": "x#2"}],
    }
    go, on = (f"<|im_start|>user\n{said}<|im_end|>\n<|im_start|>assistant\n" for said in ("go", "on"))
    assert write_both(columns, tokenizer) == {
        "prompt": [go, go, on, on],
        "completion": ["yes<|im_end|>", "no<|im_end|>", "lamp.on()<|im_end|>", "lamp.off()<|im_end|>"],
        "label": [True, False, True, False],
    }


def test_kto_takes_an_answer_with_a_label_as_it_is(tokenizer: PreTrainedTokenizerBase) -> None:
    # Arrow gives each row the columns of the other.
    columns: dict[str, list[Any]] = {
        "messages": [ASKED, ASKED],
        "chosen": [None, say("yes")],
        "rejected": [None, say("no")],
        "answer": [say("go away"), None],
        "label": [False, None],
        "meta": [{"origin": "x#1"}, {"origin": "x#2"}],
    }
    go = "<|im_start|>user\ngo<|im_end|>\n<|im_start|>assistant\n"
    assert write_both(columns, tokenizer) == {
        "prompt": [go, go, go],
        "completion": ["go away<|im_end|>", "yes<|im_end|>", "no<|im_end|>"],
        "label": [False, True, False],
    }


def test_axolotl_finds_the_strategies_by_their_names_in_the_templates() -> None:
    assert 'default("trainer.write_pairs")' in (PROJECT / "templates" / "_pairs.yaml.j2").read_text()
    assert 'set samples = "trainer.write_singles"' in (PROJECT / "templates" / "kto.yaml.j2").read_text()
    assert load_strategy("trainer.write_pairs", {}, dataset_idx=0) == (write_pair, {"remove_columns": "__all__"})
    in_batches = {"remove_columns": "__all__", "batched": True}
    assert load_kto_strategy("trainer.write_singles", {}, dataset_idx=0) == (write_both, in_batches)
