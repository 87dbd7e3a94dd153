"""What tuning is to be better than, besides the bare base: prompts and train rows in; answers without training out.

    nearest    the answer of the train row whose prompt is most like the prompt
    majority   the answer that most train rows have
    few_shot   the base's answer with a system text and examples from train before the prompt

The first two need no model. How alike two prompts are is the share of signs that both have in order, as `make plan`
measures near copies. Examples are drawn by a seed, the same ones for all prompts.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from rapidfuzz import fuzz, process

from eval.asking.prompts import Prompt, read_prompts
from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.recipe.evaluation_keys import Baselines, FewShot
from recipebook.rows import Message
from recipebook.run.rundir import Run

# Rows of train that a prompt is compared with at most, and prompts compared at a time.
MOST_TRAIN, BATCH = 20_000, 64


def read_train(run: Run, turns: str) -> list[Prompt]:
    """The prompts of the rows that the run was trained on."""
    path = run.folder / "data" / "train.jsonl"
    if not path.is_file():
        raise UserError(f"eval.baselines: {shown(path)} is gone, as the cache was removed; baselines need train rows")
    return read_prompts(path, turns)


def check_shots(wanted: Baselines, train: Sequence[Prompt]) -> None:
    """Refuse more examples than train has."""
    if wanted.few_shot and wanted.few_shot.shots > len(train):
        raise UserError(f"eval.baselines.few_shot.shots: {wanted.few_shot.shots} examples, and train has {len(train)}")


def answer_without_model(
    wanted: Baselines, prompts: Sequence[Prompt], train: Sequence[Prompt], given: Sequence[str]
) -> dict[str, list[str]]:
    """The answers of the baselines that need no model; `given` are the train rows' answers as texts."""
    found: dict[str, list[str]] = {}
    if wanted.nearest:
        found["nearest"] = [given[at] for at in find_nearest(prompts, train)]
    if wanted.majority:
        found["majority"] = [Counter(given).most_common(1)[0][0]] * len(prompts)
    return found


def find_nearest(prompts: Sequence[Prompt], train: Sequence[Prompt]) -> list[int]:
    """The number of the train row whose prompt is most like each prompt; of several the first."""
    texts = [prompt.text for prompt in train[:MOST_TRAIN]]
    found: list[int] = []
    for start in range(0, len(prompts), BATCH):
        asked = [prompt.own.text for prompt in prompts[start : start + BATCH]]
        alike = process.cdist(asked, texts, scorer=fuzz.ratio, dtype=np.float32)
        found += alike.argmax(axis=1).tolist()
    return found


def add_examples(prompts: Sequence[Prompt], train: Sequence[Prompt], wanted: FewShot) -> list[Prompt]:
    """The prompts with the system text and the examples before their first turn."""
    drawn = random.Random(wanted.seed).sample(list(train), wanted.shots)
    examples = [turn for one in drawn for turn in (*_drop_system(one.messages), one.answer)]
    return [replace(prompt, messages=_join(prompt.messages, wanted.system, examples)) for prompt in prompts]


def _drop_system(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages if message["role"] != "system"]


def _join(messages: Sequence[Message], system: str | None, examples: Sequence[Message]) -> tuple[Message, ...]:
    texts = [message["content"] for message in messages if message["role"] == "system"]
    texts += [system] if system else []
    first: list[Message] = [{"role": "system", "content": "\n\n".join(texts)}] if texts else []
    return (*first, *examples, *_drop_system(messages))
