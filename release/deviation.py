"""Two models and the same prompts in; how far their logits and their greedy answers differ out.

    before = observe(adapter, tokenizer, prompts, settings)
    compare(before, observe(merged, tokenizer, prompts, settings))
    → Deviation(prompts=16, equal=16, largest=1.1e-05)

Only what was observed is kept, so that one model can go before the other is loaded.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from eval.asking import generate
from eval.asking.prompts import Prompt
from recipebook.recipe.evaluation_keys import Generation

OBSERVED = 16


class Observed(NamedTuple):
    """What one model made of each prompt: logits at the tokens of its given answer, and its own greedy answer.

    `tokens_a_second` is how quickly it wrote its answers.
    """

    logits: list[torch.Tensor]
    answers: list[str]
    tokens_a_second: float


class Deviation(NamedTuple):
    """The number of prompts, of equal answers to them, and the largest difference of two logits."""

    prompts: int
    equal: int
    largest: float

    def format(self) -> str:
        """`16 of 16 greedy answers are equal; the largest difference of logits is 1.1e-05`"""
        return (
            f"{self.equal} of {self.prompts} greedy answers are equal; the largest difference of logits is "
            f"{self.largest:.2g}"
        )


@torch.inference_mode()
def observe(model: Any, tokenizer: Any, prompts: Sequence[Prompt], settings: Generation) -> Observed:
    """Let the model read each prompt with its given answer, and answer it itself."""
    greedy = settings.model_copy(update={"temperature": 0.0})
    logits = []
    for prompt in prompts:
        before, answer = generate.write(tokenizer, prompt, prompt.answer)
        given = tokenizer(before + answer, add_special_tokens=False)["input_ids"]
        kept = max(1, len(given) - len(tokenizer(before, add_special_tokens=False)["input_ids"]))
        ids = torch.tensor([given], device=model.device)
        # At the answer alone: those of whole prompts, of large vocabularies, would take gigabytes.
        logits.append(model(input_ids=ids, logits_to_keep=kept).logits[0].float().cpu())
    started = time.monotonic()
    answers = generate.generate(model, tokenizer, list(prompts), greedy, "")
    tokens = sum(answer.new_tokens for answer in answers)
    return Observed(logits, [answer.text for answer in answers], tokens / (time.monotonic() - started))


def compare(one: Observed, other: Observed) -> Deviation:
    """Compare what two models made of the same prompts."""
    largest = max(float((first - second).abs().max()) for first, second in zip(one.logits, other.logits, strict=True))
    equal = sum(first == second for first, second in zip(one.answers, other.answers, strict=True))
    return Deviation(len(one.answers), equal, largest)
