"""A base model and trained adapters in; the model with them on it, or with one added into its weights, out.

torch and PEFT come with this module: it is imported where a model is loaded, and no earlier.
"""

from pathlib import Path
from typing import Any

from peft import PeftModel
from transformers import AutoModelForCausalLM

# transformers' own annotations do not fit how models are used.
Model = Any


def load_model(name: Path | str, revision: str | None, dtype: Any) -> Model:
    """A model in a folder or on the Hub; weights in other forms than safetensors, which may run code, are refused."""
    return AutoModelForCausalLM.from_pretrained(name, revision=revision, dtype=dtype, use_safetensors=True)


def put_on(model: Model, adapter: Path, name: str = "default") -> Model:
    """The model under an adapter, whose weights stay apart."""
    return PeftModel.from_pretrained(model, adapter, adapter_name=name)


def merge_adapter(model: Model) -> Model:
    """The model with its adapter added into its weights; refused where a sum is no number."""
    return model.merge_and_unload(safe_merge=True)
