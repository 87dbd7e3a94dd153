"""Preferences for TRL: a row in, its prompt and answers as text out, as a pair or each on its own.

    {"messages": [{"role": "user", "content": "hi"}], "chosen": {"role": "assistant", "content": "hello"},
     "rejected": {"role": "assistant", "content": "no"}}
    → {"prompt": "<|im_start|>user\\nhi<|im_end|>\\n<|im_start|>assistant\\n", "chosen": "hello<|im_end|>",
       "rejected": "no<|im_end|>"}
    or {"prompt": […] * 2, "completion": ["hello<|im_end|>", "no<|im_end|>"], "label": [True, False]}

An answer with a label is already on its own: `{"messages": […], "answer": {…}, "label": true}`.

Axolotl's `chat_template.default` leaves out tools and calls. It locates the answer by text search in a chat with a
placeholder for the prompt; a short answer, such as `user`, also matches the template's own words.
"""

from collections.abc import Callable
from typing import Any

from recipebook.rows import Message, find_kind
from recipebook.text.chat import write_answers

Strategy = tuple[Callable[..., dict[str, Any]], dict[str, Any]]


def write_pairs(cfg: Any, **settings: Any) -> Strategy:
    """A strategy as Axolotl loads it: the function that maps a row, and the settings of the mapping."""
    return write_pair, {"remove_columns": "__all__"}


def write_singles(cfg: Any, **settings: Any) -> Strategy:
    """The strategy of KTO, which takes answers one by one; a pair becomes two samples."""
    return write_both, {"remove_columns": "__all__", "batched": True}


def write_pair(sample: dict[str, Any], tokenizer: Any) -> dict[str, str]:
    """One row as the chat template writes it."""
    prompt, (chosen, rejected) = _write(sample, [sample["chosen"], sample["rejected"]], tokenizer)
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def write_single(sample: dict[str, Any], tokenizer: Any) -> dict[str, Any]:
    """One row with a label as the chat template writes it."""
    prompt, (answer,) = _write(sample, [sample["answer"]], tokenizer)
    return {"prompt": prompt, "completion": answer, "label": sample["label"]}


def write_both(samples: dict[str, list[Any]], tokenizer: Any) -> dict[str, list[Any]]:
    """Columns of rows to columns of answers: of a pair, the chosen one is desirable, and the rejected one is not."""
    rows = [dict(zip(samples, values, strict=True)) for values in zip(*samples.values(), strict=True)]
    singles = [single for row in rows for single in _write_singles(row, tokenizer)]
    return {field: [single[field] for single in singles] for field in ("prompt", "completion", "label")}


def _write_singles(row: dict[str, Any], tokenizer: Any) -> list[dict[str, Any]]:
    if find_kind(row) == "labelled":
        return [write_single(row, tokenizer)]
    pair = write_pair(row, tokenizer)
    return [
        {"prompt": pair["prompt"], "completion": pair[name], "label": name == "chosen"}
        for name in ("chosen", "rejected")
    ]


def _write(sample: dict[str, Any], answers: list[Message], tokenizer: Any) -> tuple[str, list[str]]:
    prompt, texts = write_answers(tokenizer, sample["messages"], answers, sample.get("tools") or ())
    return _without_start(tokenizer, prompt), texts


def _without_start(tokenizer: Any, prompt: str) -> str:
    """The prompt without a start-of-text that TRL's tokenising would write a second time."""
    added = tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]
    return prompt.removeprefix(tokenizer.bos_token) if added else prompt
