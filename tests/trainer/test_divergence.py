"""How far a policy has gone from its start: exact against a sum over all tokens, and no trace is left in the model."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from recipebook.playing.play import Played
from recipebook.shell.tasks import Task
from trainer.divergence import StartingPolicy

TASK = Task(number=1, instruction="Make /srv/a.", init="true")


def played(prompt: list[int], ids: list[int], own: list[int]) -> Played:
    return Played(TASK, prompt, ids, own, "correct", "completed", 1, [""], [""])


def test_the_divergence_is_the_mean_difference_of_the_own_tokens_logs_and_the_model_stays_as_it_is() -> None:
    torch.manual_seed(1)
    size: Any = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    base = LlamaForCausalLM(LlamaConfig(vocab_size=12, **size))  # type: ignore[no-untyped-call]
    model = get_peft_model(base, LoraConfig(target_modules=["o_proj"]))
    start = StartingPolicy(model)
    episodes = [played([1, 2, 3], [4, 5, 6, 7], [1, 1, 0, 1]), played([1, 2], [8], [1]), played([1], [], [])]
    assert start.measure(model, episodes, 0.7, batch=2) == pytest.approx(0.0, abs=1e-6)

    before = list_logs(model)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data.normal_(std=9)
    now = list_logs(model)
    moved = {name: weight.clone() for name, weight in model.named_parameters()}
    expected = sum(one - other for one, other in zip(now, before, strict=True)) / 4
    assert start.measure(model, episodes, 0.7, batch=2) == pytest.approx(expected, abs=1e-5)
    assert abs(expected) > 1e-3
    assert all(torch.equal(weight, moved[name]) for name, weight in model.named_parameters())
    assert start.measure(model, episodes[2:], 0.7, batch=2) is None


def list_logs(model: torch.nn.Module) -> list[float]:
    """The log-probabilities of the tokens 4, 5 and 7 of the first episode and of 8 of the second."""
    logs = [
        model(torch.tensor([ids])).logits[0].detach().div(0.7).log_softmax(-1)
        for ids in ([1, 2, 3, 4, 5, 6, 7], [1, 2, 8])
    ]
    return [float(logs[row][at - 1, token]) for row, at, token in [(0, 3, 4), (0, 4, 5), (0, 6, 7), (1, 2, 8)]]
