"""A model with an adapter on it, or a whole trained model, in; how much each module differs from its base out.

    measure_adapter(model, "default") → {"model.layers.0.self_attn.q_proj": 0.74, …}

The measure of an adapter at a module is the Frobenius norm of B·A, times its scale: of what is added to the base's
weights there. A module whose norm is 0 answers as the base does.
"""

import math
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from peft.utils import ModulesToSaveWrapper, TrainableTokensWrapper

from recipebook.run.weights import find_tensors, read_tensor, read_tensors

Model = Any
# PEFT's annotations know nothing of what its layers have beyond torch's.
Layer = Any


def measure_adapter(model: Model, name: str) -> dict[str, float]:
    """The norm of what an adapter of PEFT adds at each module, by the module's name in the base."""
    norms: dict[str, float] = {}
    for place, module in model.get_base_model().named_modules():
        if isinstance(module, LoraLayer) and name in module.scaling:
            # Two adapted parameters of one module are wrapped one in the other: `experts` and `experts.base_layer`.
            shared = place.partition(".base_layer")[0]
            norms[shared] = math.hypot(norms.get(shared, 0.0), _measure_lora(module, name))
        elif isinstance(module, ModulesToSaveWrapper) and name in module.modules_to_save:
            norms[place] = _measure_copy(module.original_module, module.modules_to_save[name])
        elif isinstance(module, TrainableTokensWrapper) and name in module.token_adapter.trainable_tokens_delta:
            norms[place] = _measure_tokens(module.token_adapter, name)
    return norms


def measure_model(folder: Path, base: Path) -> dict[str, float]:
    """The norm of the difference of each weight that a whole model shares with its base, by the weight's name."""
    before = find_tensors(base)
    norms: dict[str, float] = {}
    for name, tensor in read_tensors(folder):
        # One at a time: both models together may not fit into memory.
        if name in before and (old := read_tensor(before[name], name)).shape == tensor.shape:
            norms[name] = float((tensor.float() - old.float()).norm())
    return norms


def _measure_lora(module: Layer, name: str) -> float:
    if name in module.lora_magnitude_vector and isinstance(module.get_base_layer(), torch.nn.Linear):
        return _measure_dora(module, name)
    if name in module.lora_embedding_A:
        added = _measure_product(module.lora_embedding_A[name], module.lora_embedding_B[name])
    elif isinstance(module.lora_A[name], torch.nn.Linear) and not hasattr(module, "parameter_name"):
        added = _measure_product(module.lora_A[name].weight, module.lora_B[name].weight)
    else:
        # A convolution's, or a stack of experts': already scaled.
        return float(torch.linalg.vector_norm(module.get_delta_weight(name).double()))
    bias = getattr(module.lora_B[name], "bias", None) if name in module.lora_B else None
    return abs(float(module.scaling[name])) * math.hypot(added, 0.0 if bias is None else float(bias.norm()))


def _measure_product(a: torch.Tensor, b: torch.Tensor) -> float:
    """The norm of B·A by the two small Gram matrices: |BA|² = Σ (BᵀB) ∘ (AAᵀ)."""
    a, b = a.detach().double(), b.detach().double()
    return math.sqrt(max(0.0, float(((b.T @ b) * (a @ a.T)).sum())))


def _measure_dora(module: Layer, name: str) -> float:
    """DoRA scales each row of the sum to a length of its own: W' = m (W + BA) / |W + BA|, Liu et al. 2024, eq. 5.

    Before training m is |W|, up to its rounding. So where B·A is zero, the lengths are taken for those of the base.
    """
    weight = module.get_base_layer().weight.detach().float()
    added = module.get_delta_weight(name).detach().float()
    if not added.any():
        return 0.0
    together = weight + added
    lengths = module.lora_magnitude_vector[name].weight.detach().float() / together.norm(dim=1)
    return float(torch.linalg.vector_norm(lengths.unsqueeze(1) * together - weight))


def _measure_copy(before: torch.nn.Module, after: torch.nn.Module) -> float:
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    return math.hypot(*(float((one.detach().double() - other.detach().double()).norm()) for one, other in pairs))


def _measure_tokens(layer: Layer, name: str) -> float:
    rows = layer.get_base_layer().weight.detach()[layer.token_indices[name]]
    return float((layer.trainable_tokens_delta[name].detach().double() - rows.double()).norm())
