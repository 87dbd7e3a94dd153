"""A run with stages becomes one recipe, whose stages are those that ran."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.pipeline.opening import JOB
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.stages import merge_top, read_stages
from recipebook.run.manifest import StageEntry
from recipebook.run.rundir import Run
from recipebook.train.opening import dump_recipe
from release.stage_recipe import format_stages

OWN = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/preference.jsonl, converter: preference, split: {by: [input]}}
training: {precision: fp32, method: dpo, max_steps: 4, batch_size: 8}
preference: {beta: 0.3}
lora: {r: 8, alpha: 16, target_modules: [q_proj, v_proj]}
eval: {metrics: {preference: {}}, main: reward_accuracy}
stages:
  - name: sft
    data: {source: samples/toolformer.jsonl, converter: toolformer}
    training: {method: sft, seed: 7}
    preference: null
    eval: {metrics: {toolformer: {}}, main: tool_accuracy}
  - name: pairs
    from: sft
    data: {source: samples/toolformer.jsonl, converter: toolformer}
    generate_pairs: {metric: toolformer, answers: 2}
  - {name: dpo, from: {stage: sft, merged: true}, data: {source: "stage:pairs", converter: preference}, lora: {r: 4}}
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(OWN)
    return str(path)


@pytest.mark.parametrize(
    ("recipe", "overrides"),
    [
        ("own", ()),
        ("dial-dpo", ("stages.dpo.training.epochs=9", "lora.dropout=0.1")),
        ("os-interaction-rl", ("rl.temperature=0.7",)),
        ("robot-curriculum", ()),
    ],
)
def test_the_recipe_has_the_same_stages(
    recipe: str, overrides: tuple[str, ...], own: str, start_run: Callable[..., Run], tmp_path: Path
) -> None:
    layers = read_layers(own if recipe == "own" else recipe, "tiny", overrides, PROJECT)
    ran, run = read_stages(layers), start_run()
    (run.folder / "resolved.yaml").write_text(dump_recipe(merge_top(layers).recipe))
    for stage in ran:
        folder = run.folder / "stages" / stage.name
        folder.mkdir(parents=True)
        (folder / "resolved.yaml").write_text(dump_recipe(stage.recipe))
        if stage.kind:
            (folder / JOB).write_text(json.dumps({"kind": stage.kind, "options": stage.options, "job": {}}))
    pipeline = tuple(
        StageEntry(name=one.name, kind=one.kind or "train", start=str(one.start), identity="i", inputs={})
        for one in ran
    )
    (tmp_path / "again.yaml").write_text(format_stages(run, run.read().model_copy(update={"pipeline": pipeline})))
    again = read_stages(read_layers(str(tmp_path / "again.yaml"), None, (), PROJECT))
    assert [(one.name, one.start, one.kind, one.options) for one in again] == [
        (one.name, one.start, one.kind, one.options) for one in ran
    ]
    assert [dump_recipe(one.recipe) for one in again] == [dump_recipe(one.recipe) for one in ran]
