"""Keys that `SET=` gives all stages: each counts where it has an effect, and changes no other stage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.pipeline.finished import print_left_out
from recipebook.pipeline.inputs import list_steps
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.stages import Stage, join_stage, merge_top, read_stages

TOP = """\
description: a pipeline
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot, split: {by: [input]}}
training: {epochs: 3, learning_rate: 1e-4}
lora: {r: 8, alpha: 16}
eval: {metrics: {robot: {}}, main: exact}
stages:
  - name: sft
  - name: pairs
    generate_pairs: {answers: 2, metric: robot}
  - name: dpo
    data: {source: samples/preference.jsonl, converter: preference}
    training: {method: dpo}
    eval: {metrics: {preference: {}}}
  - name: play
    from: sft
    data: {source: samples/shell_tasks.json, converter: shell_tasks}
    training: {method: grpo, batch_size: 4}
    rl: {episodes: 12, group: 4}
    eval: {metrics: {shell: {}}}
"""

Read = Callable[..., tuple[Stage, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The stages of the recipe above, with what is set on the command line."""
    (tmp_path / "x.yaml").write_text(TOP)

    def read_with(*overrides: str) -> tuple[Stage, ...]:
        layers = read_layers(str(tmp_path / "x.yaml"), None, overrides, PROJECT)
        merge_top(layers)
        return read_stages(layers)

    return read_with


def list_users(stages: tuple[Stage, ...]) -> list[str]:
    """The stages that leave nothing out."""
    return [stage.name for stage in stages if not stage.left_out]


@pytest.mark.parametrize(
    ("override", "users"),
    [
        ("rl.control=random", ["play"]),
        ("rl.rewards.correct=2", ["play"]),
        ("rl={control: random, epochs: 2}", ["play"]),
        # Of the defaults of `rl`, 20 episodes are no whole groups; of the stage that plays they are.
        ("rl.episodes=20", ["play"]),
        ("preference.beta=0.3", ["dpo"]),
        ("training.group_by_length=true", ["sft"]),
        ("training.epochs=5", ["sft", "dpo"]),
        ("training.seed=7", ["sft", "pairs", "dpo", "play"]),
        ("lora.r=4", ["sft", "dpo", "play"]),
        ("axolotl.flash_attention=false", ["sft", "dpo", "play"]),
        ("eval.generation.max_new_tokens=9", ["sft", "pairs", "play"]),
        ("eval.turns=all", ["sft", "pairs", "play"]),
        ("data.options.levels=[1]", ["play"]),
        ("data.options.strength=ratio", ["dpo"]),
        ("eval.metrics.shell.rounds=3", ["play"]),
    ],
)
def test_a_key_counts_in_the_stages_where_it_has_an_effect(read: Read, override: str, users: list[str]) -> None:
    assert list_users(read(override)) == users


def test_it_has_its_value_there_and_none_in_the_others(read: Read) -> None:
    sft, _, _, play = read("rl.control=random", "eval.metrics.shell.rounds=3")
    assert (sft.recipe.rl.control, play.recipe.rl.control) == ("none", "random")
    assert (sft.recipe.eval.metrics, play.recipe.eval.metrics) == ({"robot": {}}, {"shell": {"rounds": 3}})
    assert sft.left_out == ("eval.metrics.shell.rounds", "rl.control")


@pytest.mark.parametrize(
    "override",
    ["rl.control=random", "preference.beta=0.3", "data.options={strength: difference, threshold: 2.5}"],
)
def test_a_stage_that_leaves_a_key_out_remains_the_same_work(read: Read, override: str) -> None:
    stages = read(override)
    before, after = ([step.identity for step in list_steps(each)] for each in (read(), stages))
    same = [stage.name for stage, one, other in zip(stages, before, after, strict=True) if one == other]
    assert same == [stage.name for stage in stages if stage.left_out]


def test_a_key_without_effect_in_any_stage_is_refused_also_beside_one_that_has_an_effect(read: Read) -> None:
    with pytest.raises(UserError) as refused:
        read("rl.control=random", "preference.gamma=0.3")
    told = "gamma under preference has no effect with training.method: sft; it has with: simpo"
    assert str(refused.value) == f"SET: {told}"


def test_an_option_that_no_stage_knows_is_refused(read: Read) -> None:
    with pytest.raises(UserError, match=r"SET: unknown key 'levls' under data\.options"):
        read("data.options.levls=[1]")


def test_a_value_that_is_wrong_where_the_key_counts_is_refused(read: Read) -> None:
    with pytest.raises(UserError, match=r"episodes \(10\) must be a multiple of group \(4\)"):
        read("rl.episodes=10")


def test_a_key_that_is_set_for_one_stage_must_have_an_effect_in_it(read: Read) -> None:
    told = "SET: control under rl has no effect with training.method: sft; it has with: grpo"
    for others in ([], ["rl.control=random"]):
        with pytest.raises(UserError) as refused:
            read("stages.sft.rl.control=random", *others)
        assert str(refused.value) == told


def test_a_default_is_never_refused(read: Read) -> None:
    assert list_users(read("preference.gamma=null")) == ["sft", "pairs", "dpo", "play"]


def test_an_evaluation_later_on_leaves_the_same_options_out(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(TOP)
    layers = read_layers(str(tmp_path / "x.yaml"), None, ["eval.metrics.shell.rounds=3"], PROJECT)
    sft, play = join_stage(layers, "sft"), join_stage(layers, "play")
    assert sft is not None
    assert play is not None
    assert (sft.data["eval"]["metrics"], play.data["eval"]["metrics"]) == ({"robot": {}}, {"shell": {"rounds": 3}})


def test_what_is_left_out_is_printed(read: Read, capsys: pytest.CaptureFixture[str]) -> None:
    print_left_out(read("rl.control=random")[:1])
    assert capsys.readouterr().out == "note      rl.control has no effect in stage sft\n"
