"""A key that another key switches off is refused where it is said, with the values that would let it act."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.resolve import resolve
from recipebook.recipe.stages import read_stages
from recipebook.recipe.switches import check_switches

TOP = """\
description: a recipe
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot, split: {by: [input]}}
lora: {r: 8}
eval: {metrics: {robot: {}}}
"""
ANSWERS = "a metric that reads answers, such as text"

Check = Callable[..., None]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Check a recipe of ours: TOP, more text, and what is set on the command line."""

    def check_text(*overrides: str, more: str = "", profile: str | None = None) -> None:
        path = tmp_path / "x.yaml"
        path.write_text(TOP + more)
        check_switches(resolve(str(path), profile, overrides))

    return check_text


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["training.scheduler=constant", "training.warmup_ratio=0.2"],
         "warmup_ratio under training has no effect with training.scheduler: constant; "
         "it has with: constant_with_warmup, cosine, linear"),
        (["training.packing=true", "training.group_by_length=true"],
         "group_by_length under training has no effect with training.packing: true; it has with: auto, false"),
        (["training.max_steps=9", "training.epochs=5"],
         "epochs under training has no effect with training.max_steps: 9; it has with: null"),
        (["data.split.validation=0", "training.eval_steps=5"],
         "eval_steps under training has no effect with data.split.validation: 0; "
         "it has with: a share above 0, or a source in data.validation"),
        (["preference.beta=0.3"],
         "beta under preference has no effect with training.method: sft; it has with: dpo, ipo, kto, simpo"),
        (["training.method=orpo", "eval.turns=all"],
         "turns under eval has no effect with training.method: orpo, which learns from pairs; "
         "it has with: grpo, pretrain, sft"),
        (["data.split.file=lists.json", "data.split.test=0.2"],
         "test under data.split has no effect with data.split.file: lists.json; it has with: null"),
        (["data.split.file=lists.json", "data.split.seed=7"],
         "seed under data.split has no effect with data.split.file: lists.json; it has with: null"),
        (["data.test=samples/robot.json", "data.split.test=0.2"],
         "test under data.split has no effect with data.test: samples/robot.json; it has with: null"),
        (["data.split.test=0", "data.split.validation=0", "data.split.seed=7"],
         "seed under data.split has no effect with data.split.test: 0; it has with: a share above 0"),
        (["model.revision=v2"],
         "revision under model has no effect with model.base: models/tiny-base, a folder; "
         "it has with: a model's name on the hub"),
        (["eval.generation.top_p=0.5"],
         "top_p under eval.generation has no effect with eval.generation.temperature: 0; "
         "it has with: a number above 0"),
        (["eval.generation.seed=7"],
         "seed under eval.generation has no effect with eval.generation.temperature: 0; "
         "it has with: a number above 0"),
    ],
)  # fmt: skip
def test_a_key_that_is_switched_off_is_refused(check: Check, overrides: list[str], line: str) -> None:
    with pytest.raises(UserError) as refused:
        check(*overrides)
    assert str(refused.value) == f"SET: {line}"
    check(*overrides[:-1])


@pytest.mark.parametrize(
    ("recipe", "override", "line"),
    [
        ("preference-dpo", "preference.gamma=0.5",
         "gamma under preference has no effect with training.method: dpo; it has with: simpo"),
        ("preference-simpo", "preference.loss=hinge",
         "loss under preference has no effect with training.method: simpo; it has with: dpo"),
        ("preference-orpo", "preference.beta=0.2",
         "beta under preference has no effect with training.method: orpo; it has with: dpo, ipo, kto, simpo"),
        ("preference-kto", "training.group_by_length=true",
         "group_by_length under training has no effect with training.method: kto; it has with: pretrain, sft"),
    ],
)  # fmt: skip
def test_a_number_of_another_method_is_refused(recipe: str, override: str, line: str) -> None:
    with pytest.raises(UserError) as refused:
        check_switches(resolve(recipe, "tiny", [override]))
    assert str(refused.value) == f"SET: {line}"


@pytest.mark.parametrize("override", ["preference.gamma=null", "training.packing=false", "training.packing=auto"])
def test_a_default_of_another_methods_number_is_not_refused(override: str) -> None:
    check_switches(resolve("preference-dpo", "tiny", [override]))


def test_a_number_of_another_method_is_refused_in_another_file_too(tmp_path: Path) -> None:
    base = TOP.replace("samples/robot.json, converter: robot", "samples/preference.jsonl, converter: preference")
    pairs = "training: {method: dpo}\npreference: {loss: hinge}\n"
    (tmp_path / "base.yaml").write_text(base + pairs)
    (tmp_path / "y.yaml").write_text(f"extends: {tmp_path}/base.yaml\ntraining: {{method: simpo}}\n")
    with pytest.raises(UserError, match=r"base.yaml:7:14: loss under preference has no effect with training.method"):
        check_switches(resolve(str(tmp_path / "y.yaml")))


def test_without_a_metric_that_reads_answers_nothing_is_generated(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(TOP.replace("{robot: {}}", "{likelihood: {}}"))
    check_switches(resolve(str(path), None, ["eval.generation.batch_size=5"]))
    with pytest.raises(UserError) as refused:
        check_switches(resolve(str(path), None, ["eval.generation.max_new_tokens=5"]))
    told = "max_new_tokens under eval.generation has no effect with eval.metrics: likelihood"
    assert str(refused.value) == f"SET: {told}; it has with: {ANSWERS}"


def test_the_place_is_the_keys(check: Check) -> None:
    with pytest.raises(UserError, match=r"x.yaml:6:33: warmup_ratio under training has no effect"):
        check(more="training: {scheduler: constant, warmup_ratio: 0.2}\n")


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.scheduler=constant", "training.warmup_ratio=0.1"],
        ["training.scheduler=constant", "training.warmup_ratio=0"],
        ["training.max_steps=9", "training.epochs=3.0"],
        ["data.split.file=lists.json", "data.split.seed=7", "data.weights={field: category, values: {safety: 2}}"],
        ["data.test=samples/robot.json", "data.split.validation=0", "data.validation=samples/robot.json"],
        ["eval.generation.temperature=1", "eval.generation.top_p=0.5", "eval.generation.seed=7"],
        ["model.base=someone/something", "model.revision=v2"],
    ],
)
def test_a_default_and_a_key_that_acts_pass(check: Check, overrides: list[str]) -> None:
    check(*overrides)


def test_what_a_profile_or_another_recipe_switches_off_was_meant_for_others(check: Check, tmp_path: Path) -> None:
    epochs = "training: {epochs: 5}\n"
    own = "profiles: {tiny: {training: {max_steps: 9}}}\n"
    check(more=epochs + own, profile="tiny")
    check("training.max_steps=9", more=epochs)
    with pytest.raises(UserError, match=r"x.yaml:6:.*epochs under training has no effect with training.max_steps: 9"):
        check(more="profiles: {tiny: {training: {max_steps: 9, epochs: 5}}}\n", profile="tiny")
    (tmp_path / "base.yaml").write_text(TOP + epochs)
    (tmp_path / "y.yaml").write_text(f"extends: {tmp_path}/base.yaml\ntraining: {{max_steps: 9}}\n")
    check_switches(resolve(str(tmp_path / "y.yaml")))


def test_what_is_said_for_all_stages_may_be_for_one_of_them(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    data = "{source: samples/preference.jsonl, converter: preference}"
    dpo = f"  - name: b\n    training: {{method: dpo}}\n    data: {data}\n"
    path.write_text(f"{TOP}preference: {{beta: 0.3}}\nstages:\n  - {{name: a}}\n{dpo}")
    check_switches(resolve(str(path)))
    assert len(read_stages(read_layers(str(path), None, (), PROJECT))) == 2
    path.write_text(f"{TOP}stages:\n  - {{name: a, preference: {{beta: 0.3}}}}\n{dpo}")
    with pytest.raises(UserError, match=r"x.yaml:7:.*beta under preference has no effect with training.method: sft"):
        read_stages(read_layers(str(path), None, (), PROJECT))


def test_a_stage_that_trains_nothing_refuses_what_says_how_to_train(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    pairs = "generate_pairs: {answers: 2, metric: robot}"
    path.write_text(f"{TOP}stages:\n  - {{name: a}}\n  - {{name: b, {pairs}, training: {{seed: 7, epochs: 5}}}}\n")
    with pytest.raises(UserError) as refused:
        read_stages(read_layers(str(path), None, (), PROJECT))
    told = "epochs under training has no effect with generate_pairs: no training; it has with: a stage that trains"
    assert str(refused.value).partition(": ")[2] == told


def test_what_is_said_for_other_members_too_is_not_refused(tmp_path: Path) -> None:
    resolved = resolve(write(tmp_path, "training: {scheduler: constant, warmup_ratio: 0.2}\n"))
    check_switches(replace(resolved, inherited=frozenset(resolved.places)))


def write(folder: Path, more: str) -> str:
    path = folder / "x.yaml"
    path.write_text(TOP + more)
    return str(path)
