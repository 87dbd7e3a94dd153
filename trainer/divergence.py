"""How far a policy has gone from the one that its training began with, in nats a token.

    start = StartingPolicy(model)                      # before the first step, and before a checkpoint is loaded
    start.measure(model, episodes, 0.7, batch=4)       →  0.031

It is the Kullback-Leibler divergence, estimated on what the policy itself sampled: the mean, over the tokens that the
model wrote, of the log-probability that they have minus the one that they had at the start, both at the temperature of
sampling. It needs no `rl.beta`. A training of all weights has none: it would need a second model.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from recipebook.playing.play import Played


class StartingPolicy:
    """The weights of an adapter at the beginning of its training."""

    def __init__(self, model: Any) -> None:
        self.weights = {name: weight.detach().clone() for name, weight in _list_trained(model)}

    @torch.no_grad()
    def measure(self, model: Any, episodes: Sequence[Played], temperature: float, batch: int) -> float | None:
        """The divergence of the model as it is from the one at the start; None where nothing was written.

        `batch` episodes are read at a time.
        """
        written = [one for one in episodes if any(one.own)]
        parts = [written[at : at + batch] for at in range(0, len(written), batch)]
        training = model.training
        model.eval()
        now = sum(_sum_logs(model, part, temperature) for part in parts)
        with self._put_back(model):
            before = sum(_sum_logs(model, part, temperature) for part in parts)
        model.train(training)
        tokens = sum(sum(one.own) for one in written)
        return (now - before) / tokens if tokens else None

    @contextmanager
    def _put_back(self, model: Any) -> Iterator[None]:
        """The model as it was at the start."""
        current = {name: weight.data for name, weight in _list_trained(model)}
        try:
            for name, weight in _list_trained(model):
                weight.data = self.weights[name].to(weight.device)
            yield
        finally:
            for name, weight in _list_trained(model):
                weight.data = current[name]


def _list_trained(model: Any) -> list[tuple[str, Any]]:
    return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]


def _sum_logs(model: Any, batch: Sequence[Played], temperature: float) -> float:
    """The log-probabilities of all tokens that the model wrote, added up; the box's and the padding count nothing."""
    wholes = [one.prompt_ids + one.ids for one in batch]
    width = max(len(ids) for ids in wholes)
    tokens = torch.tensor([ids + [0] * (width - len(ids)) for ids in wholes], device=model.device)
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in wholes], device=model.device)
    own = [[0] * (len(one.prompt_ids) - 1) + one.own for one in batch]
    written = torch.tensor([row + [0] * (width - 1 - len(row)) for row in own], device=model.device).bool()
    logits = model(input_ids=tokens, attention_mask=mask).logits[:, :-1][written].float() / temperature
    chosen = tokens[:, 1:][written]
    return float(logits.log_softmax(dim=-1).gather(1, chosen[:, None]).double().sum())
