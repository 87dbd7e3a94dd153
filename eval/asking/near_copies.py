"""Which prompts are near copies of train rows: prompts and the run's train rows in; prompts with a mark in meta out.

    "go ahead 2 m" beside "go ahead 3 m" in train: 11 of 12 signs → {"category": "movement", "copies": "near"}

As in `make plan`, two texts are near copies where 90 % of their signs are the same, in order. Compared is what train
may not share with held-out rows: the prompts, or the answers where one prompt is a condition for many rows. An
evaluation is sliced by the mark: a model that is good on near copies alone has learned rows, and not the task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz, process

from eval.asking.prompts import Prompt, read_prompts
from recipebook.data.quality import ALIKE
from recipebook.data.split import Leak, normalise
from recipebook.errors import UserError
from recipebook.run.rundir import Run

COPIES = "copies"
NEAR, FAR = "near", "far"
# Pairs of texts that are compared at most, in a minute or so; beyond, rows have no mark.
MOST_PAIRS, BATCH = 100_000_000, 256


def mark_copies(run: Run, prompts: Sequence[Prompt], turns: str) -> list[Prompt]:
    """The prompts with the mark; as they are where the train rows are gone or too many."""
    if taken := next((prompt for prompt in prompts if COPIES in prompt.meta), None):
        raise UserError(
            f"{taken.id} has a field '{COPIES}' in its meta, which marks near copies of train rows: rename it"
        )
    train = run.folder / "data" / "train.jsonl"
    if not train.is_file():
        return list(prompts)
    marks = find_marks(prompts, train, turns, run.read().account.get("leak", "prompt"))
    return [
        replace(prompt, meta={**prompt.meta, COPIES: mark}) if mark else prompt
        for prompt, mark in zip(prompts, marks, strict=True)
    ]


def find_marks(prompts: Sequence[Prompt], train: Path, turns: str, leak: Leak) -> list[str]:
    """`near` or `far` for each prompt; empty texts where there are too many pairs."""
    read = _TEXTS[leak]
    known = list(dict.fromkeys(normalise(read(one)) for one in read_prompts(train, turns)))
    texts = [normalise(read(prompt)) for prompt in prompts]
    asked = list(dict.fromkeys(texts))
    if not known or len(known) * len(asked) > MOST_PAIRS:
        return [FAR if not known else ""] * len(texts)
    near: set[str] = set()
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        alike = process.cdist(some, known, scorer=fuzz.ratio, score_cutoff=ALIKE, dtype=np.float32).max(axis=1)
        near |= {text for text, score in zip(some, alike, strict=True) if score >= ALIKE}
    return [NEAR if text in near else FAR for text in texts]


def _prompt(prompt: Prompt) -> str:
    return " ".join(message["content"] for message in prompt.messages if message["role"] == "user")


def _answer(prompt: Prompt) -> str:
    return prompt.answer["content"]


_TEXTS: Mapping[Leak, Callable[[Prompt], str]] = {
    "prompt": _prompt,
    "answer": _answer,
    "prompt and answer": lambda prompt: f"{_prompt(prompt)} {_answer(prompt)}",
}
