"""Utility: the Toolformer paper's filter, by hand."""

import pytest
import torch

from stages._answers import Speaker, load_speaker
from stages._utility import Tried, measure_utility
from tests.stages.conftest import MakeJob


def lose(speaker: Speaker, before: str, following: str) -> float:
    start = len(speaker.tokenizer(before, add_special_tokens=False)["input_ids"])
    ids = speaker.tokenizer(before + following, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        odds = speaker.model(torch.tensor([ids])).logits[0].log_softmax(-1)
    found = [-odds[at - 1, ids[at]].item() for at in range(start, len(ids))]
    return float(
        sum(weight * loss for weight, loss in zip([1 / 3, 4 / 15, 1 / 5, 2 / 15, 1 / 15], found, strict=False))
    )


def test_utility_is_the_loss_saved_against_the_better_of_no_call_and_no_result(make_job: MakeJob) -> None:
    speaker = load_speaker(make_job())
    text, call = "the lights are at 40 percent and warm", "<tool>look(at='lights')</tool> → "
    tried = [Tried(text, 17, "look", "at='lights'", "40 percent"), Tried(text, 28, "look", "at='lights'", "cool")]
    for one, utility in zip(tried, measure_utility(speaker, tried, 2), strict=True):
        before, following = text[: one.position], text[one.position :]
        without = min(lose(speaker, before, following), lose(speaker, f"{call}\n{before}", following))
        with_result = lose(speaker, f"{call}{one.result}\n{before}", following)
        assert utility == pytest.approx(without - with_result, abs=1e-4)
