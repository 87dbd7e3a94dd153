"""The plugin ends training early where Axolotl does not: when it learns from pairs."""

from typing import Any

import pytest
from axolotl.utils.dict import DictDefault

from trainer.plugin import RunPlugin

OURS = ["StopTogether", "StayFinite", "ProgressFiles", "RecordTrackers", "CheckSchedule"]
HONEST = {"logging_nan_inf_filter": False}


@pytest.mark.parametrize(
    ("settings", "arguments", "callbacks"),
    [
        ({"rl": "dpo", "early_stopping_patience": 3}, {"load_best_model_at_end": True, **HONEST},
         [*OURS, "EarlyStoppingCallback"]),
        ({"rl": "dpo"}, HONEST, OURS),
        ({"early_stopping_patience": 3}, {"average_tokens_across_devices": True, **HONEST}, OURS),
        ({"span_weights": {"call": 2.0}}, HONEST, OURS),
        ({"span_weights": {"call": 2.0}, "fp16": True}, {}, OURS),
    ],
)  # fmt: skip
def test_pairs_stop_early_and_go_back_to_the_best(
    settings: dict[str, Any], arguments: dict[str, Any], callbacks: list[str]
) -> None:
    plugin, cfg = RunPlugin(), DictDefault(settings)
    assert plugin.get_training_args(cfg) == arguments
    assert [type(each).__name__ for each in plugin.add_callbacks_pre_trainer(cfg, None)] == callbacks
