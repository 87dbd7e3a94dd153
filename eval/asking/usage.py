'''A tuned model in; a program of a few lines that asks it what the evaluation asked, in the run's chat template, out.

    """The first evaluated prompt, asked of the model in runs/robot-lora-20261121-053004/model; …"""
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoTokenizer
    …

It gives the answer of the evaluation where that is greedy and loads the model in the same precision.
'''

from pathlib import Path
from pprint import pformat
from typing import Any

from eval.asking.generate import load_tokenizer
from eval.asking.prompts import Prompt
from recipebook.project import shown
from recipebook.recipe.keys import Recipe
from recipebook.text import chat
from recipebook.text.chat import list_end_tokens

PROGRAM = '''\
"""The first evaluated prompt, asked of the model in {weights}; to be run in the project's folder."""

from {library} import {loader}
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained({tokenizer!r})
model = {loader}.from_pretrained({weights!r})

messages = {messages}
ids = tokenizer.apply_chat_template(
    messages,{options}
    add_generation_prompt=True,
    return_dict=True,
    return_tensors="pt",
)
answer = model.generate(**ids, do_sample=False, max_new_tokens={limit}, eos_token_id={ends})
print(tokenizer.decode(answer[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))
'''
LOADERS = {True: ("peft", "AutoPeftModelForCausalLM"), False: ("transformers", "AutoModelForCausalLM")}


def format_usage(recipe: Recipe, prompt: Prompt, weights: Path, tokenizer: Path | str) -> str:
    """The program's text; it stands in the evaluation's folder as use.py and in the report."""
    library, loader = LOADERS[(weights / "adapter_config.json").is_file()]
    options = {"tools": [*prompt.tools]} if prompt.tools else {}
    options |= recipe.axolotl.get("chat_template_kwargs") or {}
    return PROGRAM.format(
        library=library,
        loader=loader,
        tokenizer=tokenizer if isinstance(tokenizer, str) else shown(tokenizer),
        weights=shown(weights),
        messages=_format([chat.read_message(message) for message in prompt.messages]),
        options="".join(f"\n    {name}={_format(value, 4)}," for name, value in options.items()),
        limit=recipe.eval.generation.max_new_tokens,
        ends=list_end_tokens(load_tokenizer(tokenizer)),
    )


def _format(value: Any, indent: int = 0) -> str:
    return pformat(value, width=110, sort_dicts=False).replace("\n", "\n" + " " * indent)
