"""`make merge`: a trained run in; a folder with its whole model, which any program loads without PEFT, out.

    make merge RUN=robot-lora OUT=models/robot
    → models/robot/: model.safetensors, config.json, generation_config.json, the tokenizer and its chat template, and
      merged.json  {"run": "robot-lora-20261121-053004", "weights": "5d0c…", "dtype": "float32", "acting": 28, …}

The adapter is added in float32 and stored in the precision of its base, or in float32 where the recipe trains in it.
The written folder is loaded again and compared with the adapter. generation_config.json says how the evaluation
generates: the likeliest token each time, up to the tokens that end an answer.
"""

import json
from pathlib import Path
from typing import Any, Literal

from eval.asking.layout import Layout
from eval.asking.own_tokenizer import load_own_tokenizer
from eval.asking.prompts import spread
from recipebook import project
from recipebook.building import building
from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.libraries import prepare_libraries
from recipebook.project import shown
from recipebook.run.adapter_names import CONFIG
from recipebook.run.weights import check_weights
from recipebook.terminal import print_field
from release.opening import FoundModel, Model, Tokenizer, find_trained

Precision = Literal["float32", "bfloat16", "float16"]
RECORD = "merged.json"
TOKENIZER = ("tokenizer*", "chat_template*", "special_tokens_map.json", "generation_config.json")


def merge_run(
    query: str,
    out: Path,
    checkpoint: int | None = None,
    dtype: Precision | None = None,
    runs: Path = project.RUNS,
) -> int:
    """Merge into a folder, which is whole or absent, and print how far its answers differ; the exit status."""
    if out.resolve().exists():
        raise UserError(f"OUT: {out} is there already")
    trained = find_trained(query, checkpoint, runs=runs)
    with building(out.name, out.parent) as folder:
        line = save_merged(trained, folder / "merged", dtype)
        (folder / "merged").rename(out)
    print_field("merged", f"{shown(out.resolve())}: {describe(out)}")
    print_field("adapter", line)
    return 0


def save_merged(trained: FoundModel, folder: Path, dtype: Precision | None = None) -> str:
    """Write the whole model of a trained run; refused where the adapter does nothing. Returns how far it differs."""
    run, manifest, recipe, weights, prompts = trained
    base, revision = trained.base
    prepare_libraries(base)
    # Here and not above: a wrong name should not wait for torch.
    from eval.asking import generate
    from eval.asking.effect import Effect
    from recipebook.run.adapter import merge_adapter
    from recipebook.run.own_weights import check_own
    from release.deviation import OBSERVED, compare, observe

    check_own(run, manifest, recipe, weights)
    tokenizer = load_own_tokenizer(run, manifest, recipe, prompts)
    settings = recipe.eval.generation
    tuned = generate.load_tuned(weights, base, revision, _load_float32)
    effect = Effect.measure(tuned, shown(weights), tokenizer, prompts, settings.batch_size)
    some = spread(prompts, OBSERVED)
    before = observe(tuned.model, tokenizer, some, settings)
    model = merge_adapter(tuned.model) if (weights / CONFIG).is_file() else tuned.model
    stored = dtype or _choose_dtype(trained)
    _save(model, tokenizer, stored, folder)
    del model, tuned  # before the next one takes memory
    merged = generate.load_base(str(folder), None)
    # Weights of few bits may swallow all that an adapter adds.
    effect.check(merged, tokenizer)
    deviation = compare(before, observe(merged, tokenizer, some, settings))
    record = {
        "run": trained.name,
        "adapter": str(weights.relative_to(run.folder)),
        "digest": check_weights(weights, None)["digest"],
        "base": recipe.model.base,
        "dtype": stored,
        **deviation._asdict(),
    }
    write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")
    return deviation.format()


def describe(folder: Path) -> str:
    """`float32, 4.9 MB`"""
    size = sum(path.stat().st_size for path in folder.iterdir())
    return f"{json.loads((folder / RECORD).read_bytes())['dtype']}, {size / 1e6:,.1f} MB"


def _load_float32(name: str, revision: str | None, layout: Layout) -> Model:
    """A merge is exact in float32 alone, whatever the layout."""
    import torch

    from eval.asking.generate import choose_device
    from recipebook.run.adapter import load_model

    return load_model(name, revision, torch.float32).to(choose_device()).eval()


def _choose_dtype(trained: FoundModel) -> str:
    from transformers import AutoConfig

    if trained.recipe.training.precision == "fp32":
        return "float32"
    base, revision = trained.base
    known = AutoConfig.from_pretrained(base, revision=revision).dtype
    return str(known or "float32").removeprefix("torch.")


def _save(model: Model, tokenizer: Tokenizer, dtype: str, folder: Path) -> None:
    import torch
    from transformers import GenerationConfig

    from eval.asking.generate import stop_tokens

    ends = sorted(stop_tokens(model, tokenizer))
    settings: dict[str, Any] = {"do_sample": False, "eos_token_id": ends, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(**settings)  # type: ignore[no-untyped-call]
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    # A partial: the settings of the template would be written as if they were its text.
    tokenizer.__dict__.pop("apply_chat_template", None)
    tokenizer.save_pretrained(folder)
