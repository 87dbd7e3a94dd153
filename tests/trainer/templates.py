"""For tests: chat templates of installed packages, rows of several kinds, and what Axolotl makes of a row.

look(QWEN3, {"messages": [{"role": "user", "content": "go"}, …]})
→ Seen(outcome="passes", runs=[(9, 14)], asked=[(9, 14)], answers=["stop()"], references=["stop()"])
"""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from axolotl.prompt_strategies.chat_template import ChatTemplatePrompter, ChatTemplateStrategy
from axolotl.utils.dict import DictDefault
from transformers import AutoTokenizer

from eval.asking.generate import format_reference, write
from eval.asking.prompts import Prompt
from recipebook.project import PROJECT
from recipebook.text.chat import KEYS, find_end_token
from trainer.checks import MASKED, NOTE, check_chat, list_learned
from trainer.looks import train_on_ends

FOLDERS = (("axolotl", "utils/chat_templates/templates"), ("trl", "chat_templates"))
# A tokenizer has the words of its model's template as special tokens.
SPECIAL = re.compile(
    r"<[|\uff5c][^<>{}\s]+[|\uff5c]>|<\|[a-z_]+>|<[a-z_]+\|>|</?s>|<(?:start|end)_of_\w+>|\[/?[A-Z_]+\]|\[\|\w+\|\]|<eos>|<bos>"
)


class Seen(NamedTuple):
    """The outcome for a row; where its answers stand among training's tokens and evaluation's; and what they say."""

    outcome: str
    runs: Sequence[tuple[int, int]] = ()
    asked: Sequence[tuple[int, int]] = ()
    answers: Sequence[str] = ()
    references: Sequence[str] = ()


def list_templates() -> Iterator[tuple[str, str]]:
    """The names and texts of all chat templates of the packages, and of this project."""
    folders = [("recipebook", PROJECT / "templates" / "chat")]
    for package, inner in FOLDERS:
        spec = importlib.util.find_spec(package)
        assert spec and spec.submodule_search_locations
        folders.append((package, Path(spec.submodule_search_locations[0]) / inner))
    for name, folder in folders:
        for path in sorted(folder.glob("*.jinja")):
            yield f"{name}/{path.stem}", path.read_text(encoding="utf-8")


def look(template: str, row: dict[str, Any]) -> Seen:
    """Tokenise and mask a row as training does, and check it."""
    tokenizer = open_tokenizer(template)
    try:
        cfg = DictDefault({})
        train_on_ends(cfg, tokenizer)
        keys = {key: key for key in KEYS}
        prompter = ChatTemplatePrompter(
            tokenizer, template, message_property_mappings=keys, message_field_training="train"
        )
        strategy = ChatTemplateStrategy(prompter, tokenizer, False, 4096, ["assistant"], "turn", None, cfg.eot_tokens)
        tokens = strategy.tokenize_prompt(row)
        ids, labels = tokens["input_ids"], tokens["labels"]
        stops = {tokenizer.eos_token_id, find_end_token(tokenizer)}
        found = check_chat(tokenizer, row, ids, labels, stops)
        # Phi-3's write the tokenizer's end behind the whole chat, with loss; evaluation has stopped at the turn's end.
        last = [tokenizer.eos_token_id]
        runs = [(start, end) for start, end in list_runs(labels) if ids[start:end] != last]
        prompts = list(list_prompts(row))
        return Seen(
            ", ".join(sorted({one.kind for one in found if one.kind != NOTE})) or "passes",
            runs,
            [place(tokenizer, prompt, ids) for prompt in prompts],
            [tokenizer.decode(ids[start:end], skip_special_tokens=True).strip() for start, end in runs],
            [format_reference(tokenizer, prompt) for prompt in prompts],
        )
    except Exception as error:
        return Seen(f"broken: {error}")


def list_runs(labels: list[int]) -> Iterator[tuple[int, int]]:
    """Where tokens that carry loss stand together."""
    for masked, places in groupby(range(len(labels)), lambda at: labels[at] == MASKED):
        run = list(places)
        if not masked:
            yield run[0], run[-1] + 1


def list_prompts(row: dict[str, Any]) -> Iterator[Prompt]:
    """What evaluation asks of a row."""
    messages = row["messages"]
    for at in list_learned(messages):
        yield Prompt("x", messages[:at], row.get("tools", ()), messages[at], None, {}, after=messages[at + 1 :])


def place(tokenizer: Any, asked: Prompt, ids: list[int]) -> tuple[int, int]:
    """Where evaluation's answer stands if its prompt and answer are the tokens of training; (-1, -1) if not."""
    prompt, answer = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in write(tokenizer, asked, asked.answer)
    )
    end = len(prompt) + len(answer)
    return (len(prompt), end) if prompt + answer == ids[:end] else (-1, -1)


@cache
def open_tokenizer(template: str) -> Any:
    """The tiny tokenizer with a template and its special tokens."""
    tokenizer = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    tokenizer.bos_token = "<bos>"
    tokenizer.add_tokens(sorted({"<bos>", *SPECIAL.findall(template)}), special_tokens=True)
    tokenizer.chat_template = template
    return tokenizer
