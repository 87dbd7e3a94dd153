"""A training on a processor: bf16 is agreed to, and a Mac's GPU is left alone."""

from typing import Any

import pytest
import torch
from axolotl.utils.dict import DictDefault

from trainer.on_cpu import allow_bf16, hide_apple_gpu


@pytest.mark.parametrize(
    ("settings", "gpu", "arguments"),
    [
        ({"bf16": True}, False, {"use_cpu": True}),
        ({"bf16": False}, False, {}),
        ({"bf16": True, "deepspeed": "deepspeed.json"}, False, {}),
        ({"bf16": True}, True, {}),
    ],
)
def test_bf16_without_a_gpu_is_meant(
    settings: dict[str, Any], gpu: bool, arguments: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert allow_bf16(DictDefault(settings)) == arguments


@pytest.mark.parametrize(("asked", "shown"), [("true", False), (None, True)])
def test_torch_shows_no_apple_gpu_where_the_cpu_is_asked_for(
    asked: str | None, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    if asked:
        monkeypatch.setenv("ACCELERATE_USE_CPU", asked)
    else:
        monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    hide_apple_gpu()
    assert torch.backends.mps.is_available() is shown
