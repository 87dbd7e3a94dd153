"""A base model and trained adapters in; the model with them on it, or with one added into its weights, out.

torch and PEFT come with this module: it is imported where a model is loaded, and no earlier. An adapter that would do
nothing on the base is refused: PEFT leaves out weights whose names or modules it does not find, and goes on.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from peft import PeftModel
from transformers import AutoModelForCausalLM

from recipebook.errors import UserError, on_one_line, take_first_line
from recipebook.project import shown
from recipebook.run.acting import Acting, describe_acting, list_unmatched
from recipebook.run.adapter_files import AdapterFiles, read_adapter
from recipebook.run.adapter_names import CONFIG, PREFIX, WEIGHTS
from recipebook.run.norms import measure_adapter, measure_model

# transformers' own annotations do not fit how models are used.
Model = Any
# `0.self_attn.q_proj`: libraries differ in what they call that which stands before.
LIKE = 3


class Tuned(NamedTuple):
    """A model after training, and where it acts; None where that cannot be measured before it answers."""

    model: Model
    acting: Acting | None


def load_model(name: Path | str, revision: str | None, dtype: Any, **more: Any) -> Model:
    """A model in a folder or on the Hub; weights in other forms than safetensors, which may run code, are refused.

    `more` says how it lies on GPUs, in transformers' own words.
    """
    return AutoModelForCausalLM.from_pretrained(name, revision=revision, dtype=dtype, use_safetensors=True, **more)


def put_on(model: Model, adapter: Path, name: str = "default") -> Tuned:
    """The model under an adapter, whose weights stay apart, or under one more; refused where it would do nothing."""
    files = read_adapter(adapter)
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    _check_shapes(files, base)
    try:
        tuned = model if isinstance(model, PeftModel) else PeftModel.from_pretrained(model, adapter, adapter_name=name)
        # Once more where PEFT has loaded it: only this call returns the keys that were not found.
        loaded = tuned.load_adapter(str(adapter), adapter_name=name)
    except torch.OutOfMemoryError:
        raise
    except (ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{shown(adapter)}: {_explain(files, error)}") from None
    except KeyError as error:
        raise UserError(f"{shown(adapter)}: {WEIGHTS} has no {on_one_line(str(error))}, which {CONFIG} names") from None
    return Tuned(tuned, _describe(files, tuned, name, loaded.missing_keys, loaded.unexpected_keys))


def merge_adapter(model: Model) -> Model:
    """The model with its adapter added into its weights; refused where a sum is no number."""
    return model.merge_and_unload(safe_merge=True)


def compare_with_base(folder: Path, base: Path | str, revision: str | None) -> Acting | None:
    """Where a whole model's weights differ from its base's, which is refused if they nowhere do.

    None where the base's files are not on this machine, or have other names.
    """
    try:
        before = (
            base if isinstance(base, Path) else Path(snapshot_download(base, revision=revision, local_files_only=True))
        )
    except LocalEntryNotFoundError:
        return None
    norms = measure_model(folder, before)
    if not norms:
        return None
    if not any(norms.values()):
        raise UserError(f"{shown(folder)}: all {len(norms)} weights of the model are those of its base {shown(before)}")
    return describe_acting("model", norms)


def _check_shapes(files: AdapterFiles, base: Model) -> None:
    """Refuse an adapter of a model whose modules have other sizes."""
    for name, (a, b) in files.pairs.items():
        try:
            module = base.get_submodule(name)
        except AttributeError:
            continue
        linear = getattr(module, "base_layer", module)
        if isinstance(linear, torch.nn.Linear) and (a.shape[-1], len(b)) != (linear.in_features, linear.out_features):
            raise UserError(
                f"{shown(files.folder)}: {name} is {a.shape[-1]} to {len(b)} in the adapter and {linear.in_features} "
                f"to {linear.out_features} in the base: it was trained on another model"
            )


def _explain(files: AdapterFiles, error: Exception) -> str:
    """What PEFT refuses, in the words of the adapter's settings."""
    text = take_first_line(error)
    if not text.startswith(("Target modules", "No modules were targeted")):
        return f"PEFT cannot put it on the base: {text}"
    settings = [
        f"{key}: {value}"
        for key in ("target_modules", "exclude_modules", "layers_to_transform", "layers_pattern")
        if (value := files.config.get(key)) is not None
    ]
    return f"the adapter acts at no module: no module of the base fits {CONFIG} with {', '.join(settings)}"


def _describe(
    files: AdapterFiles, model: Model, name: str, missing: Iterable[str], unexpected: Iterable[str]
) -> Acting | None:
    """Where the adapter acts, by PEFT's report and the weights themselves; refused if nowhere."""
    norms = measure_adapter(model, name)
    without, surplus = _list_modules(missing), _list_modules(unexpected)
    if not norms and not without:
        return None
    fault = None
    if len(without) >= len(norms):
        fault = f"the adapter acts at no module: {_name_other(without, surplus)}"
    elif drawn := [module for module in without if norms.get(module)]:
        drawn_by = f"init_lora_weights: {files.config.get('init_lora_weights')}"
        fault = f"{WEIGHTS} has no weights of {drawn[0]}, which by {drawn_by} would act with random ones"
    elif not any(norms.values()):
        fault = f"the adapter acts at no module: B·A is zero at all {len(norms)}"
    if fault:
        raise UserError(f"{shown(files.folder)}: {fault}")
    unmatched = [*list_unmatched(files.config, list(norms))]
    return describe_acting("adapter", norms, without_weights=without, surplus=surplus, unmatched=unmatched)


def _name_other(without: Sequence[str], surplus: Sequence[str]) -> str:
    """A module of the base, and the file's one that ends like it, if the file has any."""
    if not surplus:
        return f"it has no weights of the targeted modules, such as {without[0]}"
    ending = surplus[0].split(".")[-LIKE:]
    own = next((name for name in without if name.split(".")[-LIKE:] == ending), without[0])
    return f"its weights are of {surplus[0]}, and the base has {own}"


def _list_modules(keys: Iterable[str]) -> list[str]:
    """`model.layers.0.self_attn.q_proj` for PEFT's `base_model.model.model.layers.0.self_attn.q_proj.lora_A.…`."""
    places = (key.removeprefix(PREFIX).partition(".lora_")[0].partition(".base_layer")[0] for key in keys)
    return list(dict.fromkeys(places))
