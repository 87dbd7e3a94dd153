"""`make eval`: a run to predictions, scores, summary and report, all in the run's `eval/` folder.

Reads downward: find the run, ask base and tuned model the test prompts, score both, tell. The base model's answers
are kept by model, template, prompts and settings, so that ten adapters on one base pay for it once.
"""

import json
import logging
import os
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eval.prompts import Prompt, digest_prompts, read_prompts
from eval.report import ReportInput, render, terminal_table
from eval.score import evaluate_predictions
from recipebook import rundir
from recipebook.errors import UserError
from recipebook.files import digest, replacing, write_text
from recipebook.progress import format_seconds
from recipebook.recipe import Evaluation, Recipe
from recipebook.references import check_references
from recipebook.render import find_base
from recipebook.resolve import resolve
from recipebook.rundir import Manifest, Run, shown

Answers = list[dict[str, Any]]


def evaluate(query: str, overrides: Sequence[str]) -> int:
    """Evaluate a trained run, by its name or its recipe's; the exit status."""
    run = rundir.find(query)
    manifest = run.read()
    if manifest.status != "trained":
        raise UserError(f"{shown(run.folder)} is {manifest.status}, not trained")
    recipe = _read_recipe(run, overrides)
    prompts = read_prompts(run.folder / "data" / "test.jsonl", recipe.eval.limit)
    if not prompts:
        raise UserError(f"{shown(run.folder)} has no test rows: its recipe's data.split.test is 0")
    print(f"run       {run.name}, {len(prompts)} test prompts, base {recipe.model.base}")
    started = time.monotonic()
    tuned, base = _ask(run, manifest, recipe, prompts)
    folder = run.folder / "eval"
    _write_predictions(folder / "predictions.jsonl", prompts, tuned, base)
    summary = evaluate_predictions(
        folder / "predictions.jsonl",
        recipe.eval.metrics,
        recipe.eval.slices,
        recipe.eval.main,
        recipe.eval.seed,
        folder,
    )
    write_text(folder / "report.html", render(ReportInput.read(run.folder)))
    print(terminal_table(summary))
    print(f"evaluated in {format_seconds(time.monotonic() - started)}; report: {shown(folder / 'report.html')}")
    return 0


def _read_recipe(run: Run, overrides: Sequence[str]) -> Recipe:
    """The recipe as it was run; `SET=` may change what is measured, not what was trained."""
    wrong = [override for override in overrides if not override.startswith("eval.")]
    if wrong:
        raise UserError(f"SET: '{wrong[0]}' cannot change a trained run; only eval.* can")
    resolved = resolve(str(run.folder / "resolved.yaml"), None, overrides)
    check_references(resolved)
    return resolved.recipe


def _ask(run: Run, manifest: Manifest, recipe: Recipe, prompts: list[Prompt]) -> tuple[Answers, Answers]:
    """Tuned and base answers, the latter from the cache where they are known."""
    if isinstance(find_base(recipe), Path):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    _hush()
    # Here and not above: a wrong name should not wait for torch.
    from eval import generate

    tokenizer = generate.load_tokenizer(run.folder / "model")
    trained = manifest.hashes["chat_template"]
    if recipe.model.chat_template == "tokenizer":
        trained = digest(generate.load_tokenizer(find_base(recipe)).chat_template)
    _check_template(run, tokenizer.chat_template, trained)
    model = generate.load_tuned(run.folder / "model", str(find_base(recipe)), recipe.model.revision)
    settings = recipe.eval.generation
    tuned = [vars(answer) for answer in generate.generate(model, tokenizer, prompts, settings, "tuned")]
    known = _baseline_file(manifest, recipe.eval, prompts)
    if known.is_file():
        return tuned, json.loads(known.read_bytes())
    untuned: Any = model
    without_adapter: AbstractContextManager[None] = nullcontext()
    if hasattr(model, "disable_adapter"):
        without_adapter = model.disable_adapter()
    else:
        untuned = generate.load_base(str(find_base(recipe)), recipe.model.revision)
    with without_adapter:
        base = [vars(answer) for answer in generate.generate(untuned, tokenizer, prompts, settings, "base")]
    write_text(known, json.dumps(base))
    return tuned, base


def _hush() -> None:
    """What torch's add-ons warn of while they are imported says nothing about this evaluation."""
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")


def _check_template(run: Run, template: str, trained: str) -> None:
    """Refuse to ask in another shape than the one that was trained."""
    found = digest(template)
    if trained != found:
        raise UserError(
            f"{shown(run.folder / 'model')}: its chat template has the hash {found}, the training's had {trained}"
        )


def _baseline_file(manifest: Manifest, settings: Evaluation, prompts: list[Prompt]) -> Path:
    key = digest(
        manifest.hashes["base"],
        manifest.hashes["chat_template"],
        digest_prompts(prompts),
        settings.generation.model_dump_json(),
        version("torch"),
        version("transformers"),
    )
    return rundir.CACHE / "baselines" / f"{key}.json"


def _write_predictions(path: Path, prompts: list[Prompt], tuned: Answers, base: Answers) -> None:
    with replacing(path) as file:
        for prompt, answer, baseline in zip(prompts, tuned, base, strict=True):
            line = {
                "id": prompt.id,
                "prompt": prompt.text,
                "reference": prompt.reference,
                "prediction": answer["text"],
                "baseline": baseline["text"],
                "meta": prompt.meta,
                "new_tokens": answer["new_tokens"],
                "truncated": answer["truncated"],
            }
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
