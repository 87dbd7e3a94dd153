"""An adapter added into its base for a while, as answers come twice as fast from a model without adapters.

    with merged(model) as plain:    # a PeftModel in training
        decode(plain, …)
    # every weight of the base is bit for bit as before

PEFT's own way back subtracts what it added, and each time loses the last digits of the base.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer

# transformers' own annotations do not fit how models are used.
Model = Any


@contextmanager
def merged(model: Model, *, apart: bool = False) -> Iterator[Model]:
    """The model without adapters that answers as `model` does, ready to decode.

    In 16 bits its adapter stays apart, and if `apart` in any precision; one that is switched off stays off.
    """
    training = model.training
    model.eval()
    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    layers: list[Any] = [part for part in inner.modules() if isinstance(part, BaseTunerLayer)]
    floats = all(layer.get_base_layer().weight.dtype == torch.float32 for layer in layers)
    exact = floats and not apart and not any(layer.disable_adapters for layer in layers)
    kept = [layer.get_base_layer().weight.detach().clone() for layer in layers] if exact else []
    try:
        for layer in layers if exact else []:
            layer.merge(safe_merge=True)
        yield inner
    finally:
        for layer, weight in zip(layers if exact else [], kept, strict=True):
            if layer.merged:
                layer.unmerge()
            layer.get_base_layer().weight.data.copy_(weight)
        model.train(training)
