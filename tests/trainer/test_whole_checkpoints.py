"""An optimizer's state goes by the names of weights where they are sharded, and by their numbers elsewhere."""

from typing import Any

import torch

from trainer.whole_checkpoints import gather_weights, name_state, number_state

NAMED = {
    "state": {"b": {"exp_avg": torch.ones(2)}, "a": {"exp_avg": torch.zeros(1)}},
    "param_groups": [{"lr": 0.1, "params": ["a"]}, {"lr": 0.1, "weight_decay": 0.0, "params": ["b"]}],
}


def test_weights_are_numbered_in_the_order_of_their_groups() -> None:
    numbered = number_state(NAMED)
    assert numbered["param_groups"] == [
        {"lr": 0.1, "params": [0]}, {"lr": 0.1, "weight_decay": 0.0, "params": [1]},
    ]  # fmt: skip
    assert torch.equal(numbered["state"][1]["exp_avg"], torch.ones(2))
    assert list(numbered["state"]) == [1, 0]


def test_an_optimizers_own_state_is_numbered_alike() -> None:
    a, b = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.ones(2))
    groups: list[dict[str, Any]] = [{"params": [a]}, {"params": [b], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.1)
    (a.sum() + b.sum()).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    own = optimizer.state_dict()
    named = name_state(own, [{"params": ["a"]}, {"params": ["b"]}])
    assert named["state"]["b"]["exp_avg"] is own["state"][1]["exp_avg"]
    assert number_state(named) == own


def test_an_embedding_that_is_the_output_layer_too_is_saved_once() -> None:
    model = torch.nn.ModuleDict({"embed": torch.nn.Linear(2, 3, bias=False), "head": torch.nn.Linear(2, 3, bias=False)})
    assert sorted(gather_weights(model)) == ["embed.weight", "head.weight"]
    model["head"].weight = model["embed"].weight
    assert list(gather_weights(model)) == ["embed.weight"]
