"""Every key that a recipe accepts changes something: another value of it, and what is made of the recipe differs.

Two recipes are resolved that differ in the key alone, and the real thing is made of both: the configuration that is
trained by, the command, the rows, the evaluation of a model, the members of a fleet, a stage's folder, a service's job.
What Axolotl then makes of its configuration is in tests/trainer/test_effects.py.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from recipebook.errors import UserError
from recipebook.recipe.keys import Recipe
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.recipe.stage_list import Head
from recipebook.recipe.switches import check_switches
from tests.recipebook.recipe.making import (
    SLOW,
    begin,
    convert,
    evaluate,
    evaluate_beside_placebo,
    expand,
    fail,
    keep_apart,
    leave,
    open_last,
    order,
    render,
    start,
    vote,
    write_sample,
)

TOP = """\
description: a recipe
model: {base: models/tiny-base, chat_template: chatml}
data: {source: SAMPLE/chats.jsonl, converter: chat, split: {by: [id], validation: 0.2, test: 0.2}}
training: {batch_size: 2}
eval: {metrics: {text: {}}, generation: {max_new_tokens: 3}}
"""
FLEET = "lora: {}\nmatrix:\n  values: {training.seed: [1, 2]}\n"
STAGES = "lora: {}\nstages:\n  - {name: a}\n  - {name: b}\n  - {name: c}\n"
SERVICE = 'lora: {}\nremote: {url: "http://127.0.0.1:9/v1", poll_seconds: 0.01, stagger_seconds: 0, form: openai}\n'

Observe = Callable[[Resolved, Path], Any]


@dataclass(frozen=True)
class Case:
    """What is made of a recipe, and what is set before and after the change; `text` stands below TOP in both.

    What cannot be set on the command line is written into the recipe: `was`, and then `becomes`.
    """

    observe: Observe
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    text: str = ""
    was: str = ""
    becomes: str = ""


def list_keys(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every key of a section and of the sections in it; what a user names freely stands for nothing."""
    for name, each in model.model_fields.items():
        key = f"{path}{each.alias or name}"
        yield key
        for inner in _find_sections(each.annotation):
            yield from list_keys(inner, f"{key}.")


def _find_sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _find_sections(part)


def set_(observe: Observe, after: str, *before: str, text: str = "", needs: tuple[str, ...] = ()) -> Case:
    """A change that the command line can make."""
    return Case(observe, (*needs, after), (*needs, *before), text)


def draw(after: str, before: str) -> tuple[str, str]:
    """The values of a matrix that draws one number at random."""
    values = {"low": "low: 0.1", "high": "high: 0.9", "scale": "scale: log"}
    told = [{**values, one.partition(":")[0]: one} for one in (after, before)]
    parts = [", ".join(each.values()) for each in told]
    found = [f"matrix={{values: {{training.learning_rate: {{{part}}}}}, search: {{random: 1}}}}" for part in parts]
    return found[0], found[1]


PAIRS = "lora: {}\npreference: {}\n"
DPO, KTO, SIMPO = "training.method=dpo", "training.method=kto", "training.method=simpo"
GRPO = ("training.method=grpo", "data.split.validation=0")
ONLY = "data.only={field: topic, values: [a]}"
WEIGHTS = "data.weights={field: topic, values: {a: 2.5}}"
HOT = "eval.generation.temperature=1.5"
LISTS = ("data.split.by=[topic]", "data.split.file=SAMPLE/lists.json")
# What one sees of these is that a recipe is refused: before the change, or after it.
REFUSED_BEFORE = {"data", "data.rejects", "matrix", "model.adapter.run"}
REFUSED_AFTER = {"remote.service", "eval.generation.engine", "model.adapter.run"}

CASES: dict[str, Case] = {
    "description": Case(leave, was="description: a recipe\n", becomes="description: another\n"),
    "extends": Case(render, becomes="extends: SAMPLE/base.yaml\n"),
    "profiles": Case(render, becomes="profiles: {tiny: {training: {epochs: 9}}}\n"),
    "axolotl": set_(render, "axolotl={neftune_noise_alpha: 5}"),
    "model": set_(render, "model.base=models/tiny-seed"),
    "model.base": set_(render, "model.base=models/tiny-seed"),
    "model.revision": set_(render, "model.revision=v2", needs=("model.base=someone/something",)),
    "model.chat_template": set_(render, "model.chat_template=instruct"),
    "model.adapter": set_(begin, "model.adapter=SAMPLE/adapter", text="lora: {}\n"),
    "model.adapter.run": set_(begin, "model.adapter.run=this", "model.adapter.run=that", text="lora: {}\n"),
    "model.system": set_(convert, "model.system=drop", needs=("data.options={system: Be brief.}",)),
    "data": set_(convert, "data.rejects=1", needs=("data.source=SAMPLE/broken.jsonl",)),
    "data.source": set_(convert, "data.source=SAMPLE/others.jsonl"),
    "data.validation": set_(convert, "data.validation=SAMPLE/others.jsonl"),
    "data.test": set_(convert, "data.test=SAMPLE/others.jsonl"),
    "data.converter": set_(convert, "data.converter=echo"),
    "data.options": set_(convert, "data.options={system: Be brief.}"),
    "data.where": set_(convert, "data.where={topic: a}"),
    "data.split": set_(convert, "data.split.seed=7"),
    "data.split.validation": set_(convert, "data.split.validation=0.4"),
    "data.split.test": set_(convert, "data.split.test=0.4"),
    "data.split.by": set_(convert, "data.split.by=[]"),
    "data.split.without": set_(convert, "data.split.without=chat 1"),
    "data.split.file": set_(convert, "data.split.file=SAMPLE/others.json", needs=LISTS),
    "data.split.seed": set_(convert, "data.split.seed=7"),
    "data.weights": set_(convert, WEIGHTS),
    "data.weights.field": set_(convert, "data.weights.field=kind", needs=(WEIGHTS,)),
    "data.weights.values": set_(convert, "data.weights.values.a=0.5", needs=(WEIGHTS,)),
    "data.only": set_(convert, ONLY),
    "data.only.field": set_(convert, "data.only.field=kind", needs=(ONLY,)),
    "data.only.values": set_(convert, "data.only.values=[b]", needs=(ONLY,)),
    "data.rejects": set_(convert, "data.rejects=1", needs=("data.source=SAMPLE/broken.jsonl",)),
    "training": set_(render, "training.epochs=1"),
    "training.method": set_(render, DPO, text=PAIRS),
    "training.epochs": set_(render, "training.epochs=1"),
    "training.max_steps": set_(render, "training.max_steps=7"),
    "training.batch_size": set_(render, "training.batch_size=3"),
    "training.gradient_accumulation": set_(render, "training.gradient_accumulation=2"),
    "training.global_batch": set_(render, "training.global_batch=8"),
    "training.learning_rate": set_(render, "training.learning_rate=0.5"),
    "training.scheduler": set_(render, "training.scheduler=linear"),
    "training.warmup_ratio": set_(render, "training.warmup_ratio=0.5"),
    "training.weight_decay": set_(render, "training.weight_decay=0.1"),
    "training.max_grad_norm": set_(render, "training.max_grad_norm=2"),
    "training.optimizer": set_(render, "training.optimizer=sgd"),
    "training.max_length": set_(render, "training.max_length=100"),
    "training.too_long": set_(render, "training.too_long=drop"),
    "training.packing": set_(render, "training.packing=true"),
    "training.pack_length": set_(
        render, "training.pack_length=512", needs=("training.packing=records", "training.gradient_accumulation=4")
    ),
    "training.group_by_length": set_(render, "training.group_by_length=true"),
    "training.gradient_checkpointing": set_(render, "training.gradient_checkpointing=true"),
    "training.chunked_loss": set_(render, "training.chunked_loss=true"),
    "training.tf32": set_(render, "training.tf32=true"),
    "training.precision": set_(render, "training.precision=bf16"),
    "training.train_on": set_(render, "training.train_on=all"),
    "training.span_weights": set_(
        render, "training.span_weights={tool: 1, fluency: 0.5}",
        needs=("data.converter=toolformer", "data.options={spans: true}"),
    ),
    "training.seed": set_(render, "training.seed=7"),
    "training.logging_steps": set_(render, "training.logging_steps=1"),
    "training.eval_steps": set_(render, "training.eval_steps=5"),
    "training.save_steps": set_(render, "training.save_steps=5"),
    "training.early_stopping": set_(
        render, "training.early_stopping=2", needs=("training.eval_steps=5", "training.save_steps=5")
    ),
    "training.keep_checkpoints": set_(render, "training.keep_checkpoints=1"),
    "training.workers": set_(render, "training.workers=1"),
    "training.pin_memory": set_(render, "training.pin_memory=true"),
    "lora": set_(render, "lora={}"),
    "lora.r": set_(render, "lora.r=8", text=PAIRS),
    "lora.alpha": set_(render, "lora.alpha=8", text=PAIRS),
    "lora.dropout": set_(render, "lora.dropout=0", text=PAIRS),
    "lora.target_modules": set_(render, "lora.target_modules=[o_proj]", text=PAIRS),
    "lora.kernels": set_(render, "lora.kernels=false", text="lora: {}\n"),
    "lora.quantize": set_(render, "lora.quantize=4bit", text=PAIRS),
    "preference": set_(render, "preference={beta: 0.3}", needs=(DPO,)),
    "preference.beta": set_(render, "preference.beta=0.3", needs=(DPO,)),
    "preference.loss": set_(render, "preference.loss=hinge", needs=(DPO,)),
    "preference.label_smoothing": set_(render, "preference.label_smoothing=0.1", needs=(DPO, "preference.loss=robust")),
    "preference.precompute_reference": set_(render, "preference.precompute_reference=true", needs=(DPO,)),
    "preference.gamma": set_(render, "preference.gamma=0.5", needs=(SIMPO,)),
    "preference.odds_weight": set_(render, "preference.odds_weight=0.5", needs=("training.method=orpo",)),
    "preference.desirable_weight": set_(render, "preference.desirable_weight=2", needs=(KTO,)),
    "preference.undesirable_weight": set_(render, "preference.undesirable_weight=2", needs=(KTO,)),
    "rl": set_(render, "rl.group=4", needs=GRPO),
    "rl.collections": set_(render, "rl.collections=3", needs=GRPO),
    "rl.episodes": set_(render, "rl.episodes=16", needs=GRPO),
    "rl.group": set_(render, "rl.group=4", needs=GRPO),
    "rl.epochs": set_(render, "rl.epochs=2", needs=GRPO),
    "rl.clip_low": set_(render, "rl.clip_low=0.1", needs=GRPO),
    "rl.clip_high": set_(render, "rl.clip_high=0.28", needs=GRPO),
    "rl.entropy": set_(render, "rl.entropy=0.01", needs=GRPO),
    "rl.beta": set_(render, "rl.beta=0.02", needs=GRPO),
    "rl.temperature": set_(render, "rl.temperature=0.9", needs=GRPO),
    "rl.scale": set_(render, "rl.scale=none", needs=GRPO),
    "rl.rewards": set_(render, "rl.rewards={incorrect: 0}", needs=GRPO),
    "rl.rewards.correct": set_(render, "rl.rewards.correct=2", needs=GRPO),
    "rl.rewards.incorrect": set_(render, "rl.rewards.incorrect=0", needs=GRPO),
    "rl.rewards.unset": set_(render, "rl.rewards.unset=0.5", needs=GRPO),
    "rl.rounds": set_(render, "rl.rounds=2", needs=GRPO),
    "rl.seconds": set_(render, "rl.seconds=3", needs=GRPO),
    "rl.base": set_(render, "rl.base=debian", needs=GRPO),
    "rl.answer_tokens": set_(render, "rl.answer_tokens=32", needs=GRPO),
    "rl.redraws": set_(render, "rl.redraws=0", needs=GRPO),
    "rl.least_success": set_(render, "rl.least_success=0.2", needs=GRPO),
    "rl.control": set_(render, "rl.control=random", needs=GRPO),
    "launch": set_(start, "launch.processes=2"),
    "launch.processes": set_(start, "launch.processes=2"),
    "launch.machines": set_(render, "launch.machines=2", needs=("training.global_batch=8",)),
    "launch.offload": set_(render, "launch.offload=optimizer", needs=("launch.strategy=zero2",)),
    "launch.timeout": set_(render, "launch.timeout=60", needs=("launch.processes=2",)),
    "launch.device": set_(start, "launch.device=mps"),
    "launch.strategy": set_(render, "launch.strategy=zero2"),
    "remote": Case(start, becomes=SERVICE),
    "remote.service": set_(order, "remote.service=elsewhere", text=SERVICE),
    "remote.model": set_(order, "remote.model=theirs/Reference", text=SERVICE),
    "remote.form": set_(order, "remote.form=sharegpt", text=SERVICE),
    "remote.url": set_(order, "remote.url=https://localhost/v2", text=SERVICE),
    "remote.key": set_(order, "remote.key=OTHER_KEY", text=SERVICE),
    "remote.poll_seconds": set_(order, f"remote.poll_seconds={SLOW}", text=SERVICE),
    "remote.stagger_seconds": set_(order, f"remote.stagger_seconds={SLOW}", text=SERVICE),
    "eval": set_(evaluate, "eval.limit=2"),
    "eval.metrics": set_(evaluate, "eval.metrics={persona: {}}"),
    "eval.main": set_(evaluate, "eval.main=param_f1", needs=("eval.metrics={text: {}, persona: {}}",)),
    "eval.slices": set_(evaluate, "eval.slices=[topic]"),
    "eval.part": set_(evaluate, "eval.part=validation"),
    "eval.turns": set_(evaluate, "eval.turns=all"),
    "eval.unit": set_(evaluate, "eval.unit=[topic]"),
    "eval.limit": set_(evaluate, "eval.limit=2"),
    "eval.baselines": set_(evaluate, "eval.baselines.nearest=true"),
    "eval.baselines.nearest": set_(evaluate, "eval.baselines.nearest=true"),
    "eval.baselines.majority": set_(evaluate, "eval.baselines.majority=true"),
    "eval.baselines.few_shot": set_(evaluate, "eval.baselines.few_shot={shots: 1}"),
    "eval.baselines.few_shot.shots": set_(
        evaluate, "eval.baselines.few_shot.shots=2", needs=("eval.baselines.few_shot={shots: 1}",)
    ),
    "eval.baselines.few_shot.system": set_(
        evaluate, "eval.baselines.few_shot.system=Answer.", needs=("eval.baselines.few_shot={shots: 1}",)
    ),
    "eval.baselines.few_shot.seed": set_(
        evaluate, "eval.baselines.few_shot.seed=7", needs=("eval.baselines.few_shot={shots: 1}",)
    ),
    "eval.placebo": set_(evaluate_beside_placebo, "eval.placebo=shuffled"),
    "eval.published": set_(evaluate, "eval.published={source: a paper, figures: {exact: 0.8}}"),
    "eval.published.source": set_(
        evaluate,
        "eval.published.source=another",
        needs=("eval.published={source: a paper, figures: {exact: 0.8}}",),
    ),
    "eval.published.figures": set_(
        evaluate,
        "eval.published.figures={exact: 0.9}",
        needs=("eval.published={source: a paper, figures: {exact: 0.8}}",),
    ),
    "eval.variants": set_(evaluate, "eval.variants=SAMPLE/variants.yaml"),
    "eval.seed": set_(evaluate, "eval.seed=7"),
    "eval.generation": set_(evaluate, "eval.generation.max_new_tokens=1"),
    "eval.generation.max_new_tokens": set_(evaluate, "eval.generation.max_new_tokens=1"),
    "eval.generation.batch_size": set_(evaluate, "eval.generation.batch_size=1"),
    "eval.generation.temperature": set_(evaluate, HOT),
    "eval.generation.top_p": set_(evaluate, "eval.generation.top_p=0.1", needs=(HOT,)),
    "eval.generation.seed": set_(evaluate, "eval.generation.seed=7", needs=(HOT,)),
    "eval.generation.adapter": set_(evaluate, "eval.generation.adapter=apart"),
    "eval.generation.samples": set_(evaluate, "eval.generation.samples=2", needs=(HOT,)),
    "eval.generation.engine": set_(evaluate, "eval.generation.engine=vllm"),
    "matrix": Case(expand, becomes=FLEET),
    "matrix.values": set_(expand, "matrix.values={lora.r: [4, 8]}", text=FLEET),
    "matrix.values.column": set_(
        expand, "matrix.values={data.where.kind: {column: kind}}", "matrix.values={data.where.topic: {column: topic}}",
        text=FLEET,
    ),
    "matrix.values.files": set_(
        expand, "matrix.values={data.source: {files: SAMPLE/o*.jsonl}}",
        "matrix.values={data.source: {files: SAMPLE/c*.jsonl}}", text=FLEET,
    ),
    "matrix.values.low": set_(expand, *draw("low: 0.2", "low: 0.1"), text=FLEET),
    "matrix.values.high": set_(expand, *draw("high: 0.8", "high: 0.9"), text=FLEET),
    "matrix.values.scale": set_(expand, *draw("scale: linear", "scale: log"), text=FLEET),
    "matrix.name": set_(expand, 'matrix.name="s{seed}"', text=FLEET),
    "matrix.search": set_(expand, "matrix.search={random: 1}", text=FLEET),
    "matrix.search.random": set_(expand, "matrix.search.random=2", text=FLEET, needs=("matrix.search={random: 1}",)),
    "matrix.search.seed": set_(expand, "matrix.search.seed=7", text=FLEET, needs=draw("low: 0.1", "low: 0.1")[:1]),
    "matrix.include": set_(expand, "matrix.include=[{training.seed: 3}]", text=FLEET),
    "matrix.exclude": set_(expand, "matrix.exclude=[{training.seed: 2}]", text=FLEET),
    "matrix.min_rows": set_(expand, "matrix.min_rows=1000", text=FLEET),
    "matrix.attempts": set_(fail, "matrix.attempts=3", text=FLEET),
    "matrix.vote": Case(vote, text=FLEET, becomes="  vote: true\n"),
    "stages": Case(open_last, was=STAGES, becomes=STAGES.replace("name: c", "name: c, lora: {r: 4}, from: base")),
    "stages.name": Case(open_last, was=STAGES, becomes=STAGES.replace("name: c", "name: d")),
    "stages.from": Case(open_last, was=STAGES, becomes=STAGES.replace("name: c", "name: c, from: a")),
    "stages.from.stage": Case(open_last, was=STAGES, becomes=STAGES.replace("name: c", "name: c, from: {stage: a}")),
    "stages.from.merged": Case(
        open_last, was=STAGES, becomes=STAGES.replace("name: c", "name: c, from: {stage: b, merged: true}")
    ),
}  # fmt: skip


# What is made before the change is the same for many keys.
SEEN: dict[tuple[Any, ...], Any] = {}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that the recipes name."""
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder)
    return folder


@pytest.mark.parametrize("key", dict.fromkeys([*list_keys(Recipe), *(f"stages.{key}" for key in list_keys(Head))]))
def test_another_value_of_a_key_changes_what_is_made_of_the_recipe(
    key: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key in CASES, f"{key}: say in CASES by what change one sees that the key has an effect"
    keep_apart(monkeypatch, tmp_path)
    case = CASES[key]
    known = (case.observe, case.text, case.was, case.before)
    if known not in SEEN:
        SEEN[known] = observe(case, case.was, case.before, sample, tmp_path / "before")
    before = SEEN[known]
    after = observe(case, case.becomes, case.after, sample, tmp_path / "after")
    assert isinstance(before, str) == (key in REFUSED_BEFORE), before
    assert isinstance(after, str) == (key in REFUSED_AFTER), after
    assert before != after


def observe(case: Case, text: str, settings: tuple[str, ...], sample: Path, folder: Path) -> Any:
    """What is made of the recipe with these settings, or why nothing is."""
    folder.mkdir()
    top = TOP.replace("description: a recipe\n", "") if text.startswith("description") else TOP
    recipe = folder / "x.yaml"
    recipe.write_text(f"{top}{case.text}{text}".replace("SAMPLE", str(sample)))
    try:
        resolved = resolve(str(recipe), "tiny", [one.replace("SAMPLE", str(sample)) for one in settings])
        check_references(resolved)
        check_switches(resolved)
        return case.observe(resolved, folder)
    except UserError as error:
        return str(error)


def test_no_case_is_of_a_key_that_is_gone() -> None:
    assert CASES.keys() == {*list_keys(Recipe), *(f"stages.{key}" for key in list_keys(Head))}
