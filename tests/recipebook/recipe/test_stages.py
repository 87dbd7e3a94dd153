"""Stages of a recipe: what each inherits, where it starts, what is refused; what their identities follow from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.pipeline.inputs import identify_all, list_steps
from recipebook.project import PROJECT
from recipebook.recipe.layers import read_layers
from recipebook.recipe.stages import Stage, read_stages
from recipebook.run.provenance import format_changes

TOP = """\
description: a pipeline
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot, split: {by: [input]}}
training: {epochs: 3, learning_rate: 1e-4}
lora: {r: 8, alpha: 16}
eval: {metrics: {robot: {}}, main: exact}
"""
PAIRS = """\
  - name: pairs
    generate_pairs: {answers: 2, metric: robot}
"""
DPO = """\
  - name: dpo
    data: {source: "stage:pairs", converter: preference}
    training: {method: dpo}
"""

Read = Callable[..., tuple[Stage, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read the stages of a recipe of ours, in this project."""

    def read_text(
        stages: str, profile: str | None = None, overrides: tuple[str, ...] = (), top: str = TOP
    ) -> tuple[Stage, ...]:
        path = tmp_path / "x.yaml"
        path.write_text(f"{top}stages:\n{stages}")
        return read_stages(read_layers(str(path), profile, overrides, PROJECT))

    return read_text


def test_a_stage_inherits_what_it_does_not_say(read: Read) -> None:
    first, second = read("  - {name: a, training: {epochs: 1}}\n  - {name: b, lora: {dropout: 0.05}}\n")
    assert (first.recipe.training.epochs, first.recipe.training.learning_rate) == (1, 1e-4)
    assert (second.recipe.training.epochs, second.recipe.lora) == (3, first.recipe.lora)
    assert first.recipe.stages == ()


def test_data_with_a_source_and_eval_with_metrics_stand_alone(read: Read) -> None:
    (stage,) = read(
        "  - name: a\n    data: {source: samples/preference.jsonl, converter: preference}\n"
        "    eval: {metrics: {preference: {}}}\n"
    )
    assert stage.recipe.data.split.by == ()
    assert (list(stage.recipe.eval.metrics), stage.recipe.eval.main) == (["preference"], None)


def test_data_without_a_source_is_merged(read: Read) -> None:
    (stage,) = read("  - {name: a, data: {only: {field: category, values: [safety]}}}\n")
    assert stage.recipe.data.source == "samples/robot.json"
    assert stage.recipe.data.split.by == ("input",)


def test_what_is_said_for_all_stages_may_be_for_others_than_this_one(read: Read) -> None:
    outer = TOP.replace("epochs: 3,", "epochs: 3, group_by_length: true,")
    outer += "profiles: {tiny: {training: {packing: true}}}\n"
    stages = read(f"  - {{name: sft}}\n{PAIRS}{DPO}", "tiny", top=outer)
    assert [stage.recipe.training.group_by_length for stage in stages] == [True, True, True]


def test_what_a_stage_says_itself_must_have_an_effect(read: Read) -> None:
    dpo = DPO.replace("method: dpo", "method: dpo, group_by_length: true")
    with pytest.raises(
        UserError, match=r"x.yaml:13:.*group_by_length under training has no effect with training.method: dpo"
    ):
        read(f"  - {{name: sft}}\n{PAIRS}{dpo}")


def test_a_stages_profile_and_overrides_of_its_own_win_for_it_alone(read: Read) -> None:
    first = "  - {name: a, training: {epochs: 1}, profiles: {tiny: {training: {epochs: 5}}}}\n"
    stages = first + "  - {name: b}\n  - {name: c}\n"
    overrides = ("training.batch_size=2", "stages.c.training.epochs=9")
    assert [stage.recipe.training.epochs for stage in read(stages, "tiny", overrides)] == [5, 3, 9]
    assert {stage.recipe.training.batch_size for stage in read(stages, "tiny", overrides)} == {2}


def test_a_stage_starts_from_the_nearest_earlier_model_unless_told(read: Read) -> None:
    stages = read(
        "  - {name: a}\n  - {name: made, generate_pairs: {answers: 0, metric: robot}}\n  - {name: b}\n"
        "  - {name: c, from: base}\n  - {name: d, from: {stage: a, merged: true}}\n"
    )
    assert [str(stage.start) for stage in stages] == ["base", "a", "a", "base", "a merged"]
    assert [stage.kind for stage in stages] == [None, "generate_pairs", None, None, None]


def test_options_of_a_kind_can_be_overridden(read: Read) -> None:
    stages = read(f"  - {{name: a}}\n{PAIRS}", None, ("stages.pairs.generate_pairs.answers=7",))
    assert stages[1].options == {"answers": 7, "metric": "robot"}


@pytest.mark.parametrize(
    ("stages", "place", "line"),
    [
        ("  - {training: {epochs: 1}}\n", 8, "missing key 'name'"),
        ("  - {name: A b}\n", 8, r"name: 'A b' is not text (matching ^[a-z0-9][a-z0-9_-]*$)"),
        ("  - {name: a}\n  - {name: a}\n", 9, "a second stage 'a'; each needs a name of its own"),
        ("  - {name: base}\n", 8, "'base' is the name of the model before any stage"),
        ("  - {name: a, trainig: {epochs: 1}}\n", 8, "unknown key 'trainig' in a stage; did you mean 'training'?"),
        ("  - {name: a, training: {epoch: 1}}\n", 8, "unknown key 'epoch' under training; did you mean 'epochs'?"),
        ("  - {name: a}\n  - {name: b, from: aa}\n", 9, "no stage 'aa'; did you mean 'a'? it has: base, a"),
        (
            "  - {name: a, from: b}\n  - {name: b}\n", 8,
            "'b' does not come before 'a'; it may start from: base",
        ),
        (
            "  - {name: a, from: b}\n  - {name: b, from: a}\n", 8,
            "'b' does not come before 'a' (a circle: a -> b -> a); it may start from: base",
        ),
        (
            "  - {name: a, from: a}\n", 8,
            "'a' does not come before 'a' (a circle: a -> a); it may start from: base",
        ),
        (
            "  - {name: a}\n  - name: b\n    data: {source: 'stage:c', converter: preference}\n", 10,
            "no earlier stage 'c' that makes rows; it has: nothing yet",
        ),
        (
            "  - {name: a}\n  - {name: b, generate_pairs: {answer: 2, metric: robot}}\n", 9,
            "unknown key 'answer' under generate_pairs; did you mean 'answers'?",
        ),
        (
            "  - {name: a}\n  - {name: b, merge: {}, evaluate: {}}\n", 9,
            "a stage is of one kind; it is merge already",
        ),
        (
            f"  - {{name: a}}\n{PAIRS}  - {{name: b, from: pairs}}\n", 11,
            "stage 'pairs' has no model to start from; these have: base, a",
        ),
        (
            "  - {name: a}\n  - {name: b, lora: {r: 4}}\n", 9,
            "lora.r: 4, but stage 'b' trains the adapter of 'a', which has 8; "
            "from: {stage: a, merged: true} begins a new one",
        ),
        (
            "  - {name: a}\n  - {name: b, lora: null}\n", 9,
            "stage 'b' trains all weights and cannot start from an adapter; from: {stage: a, merged: true}",
        ),
        (
            "  - {name: a}\n  - {name: b, model: {chat_template: instruct}}\n", 9,
            "model.chat_template: stage 'b' starts from 'a', which has chatml, and names instruct",
        ),
        (
            "  - {name: a}\n  - {name: b, model: {base: models/tiny-seed}}\n", 9,
            "model.base: stage 'b' starts from 'a', which has models/tiny-base, and names models/tiny-seed",
        ),
        (
            "  - {name: a}\n  - {name: b, model: {revision: main}}\n", 9,
            "model.revision: stage 'b' starts from 'a', which has none, and names main",
        ),
        (
            "  - {name: a}\n  - {name: b, axolotl: {tokenizer_config: models/other}}\n", 9,
            "axolotl.tokenizer_config: stage 'b' starts from 'a', which has none, and names models/other",
        ),
        (
            "  - {name: a, axolotl: {tokens: [x]}}\n  - {name: b, axolotl: {tokens: [y]}}\n", 9,
            "axolotl.tokens: stage 'b' starts from 'a', which has ['x'], and names ['y']",
        ),
        (
            "  - {name: a}\n  - {name: b, axolotl: {special_tokens: {pad_token: x}}}\n", 9,
            "axolotl.special_tokens: stage 'b' starts from 'a', which has none, and names {'pad_token': 'x'}",
        ),
        (
            "  - {name: a}\n  - name: b\n    data: {source: 'stage:b', converter: preference}\n", 10,
            "no earlier stage 'b' that makes rows; it has: nothing yet",
        ),
        (
            "  - {name: a}\n  - {name: p, from: b, generate_pairs: {metric: robot}}\n"
            "  - {name: b, data: {source: 'stage:p', converter: preference}}\n", 9,
            "'b' does not come before 'p'; it may start from: base, a",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_with_its_place(read: Read, stages: str, place: int, line: str) -> None:
    with pytest.raises(UserError) as caught:
        read(stages)
    told = str(caught.value)
    assert "\n" not in told
    assert told.split("x.yaml:")[1].split(":")[0] == str(place)
    assert told.endswith(line)


def test_an_override_of_no_stage_is_refused(read: Read) -> None:
    with pytest.raises(UserError, match="SET: no stage 'dop'; did you mean 'dpo'"):
        read("  - {name: dpo}\n", None, ("stages.dop.training.epochs=1",))


def identities(stages: tuple[Stage, ...]) -> list[str]:
    return [step.identity for step in list_steps(stages)]


def test_a_changed_stage_changes_those_that_build_on_it_and_no_others(read: Read) -> None:
    pipeline = f"  - {{name: sft}}\n{PAIRS}{DPO}  - {{name: apart, from: base}}\n"
    before = identities(read(pipeline))
    sft = identities(read(pipeline, None, ("stages.sft.training.epochs=1",)))
    assert [one == other for one, other in zip(before, sft, strict=True)] == [False, False, False, True]
    dpo = identities(read(pipeline, None, ("stages.dpo.training.epochs=1",)))
    assert [one == other for one, other in zip(before, dpo, strict=True)] == [True, True, False, True]
    pairs = identities(read(pipeline, None, ("stages.pairs.generate_pairs.answers=3",)))
    assert [one == other for one, other in zip(before, pairs, strict=True)] == [True, False, False, True]


def test_evaluation_does_not_count_for_what_trains(read: Read) -> None:
    stages = "  - {name: a}\n"
    assert identities(read(stages)) == identities(read(stages, None, ("eval.limit=3",)))


def test_the_whole_run_is_known_by_all_its_stages(read: Read) -> None:
    one, two = read("  - {name: a}\n"), read("  - {name: a}\n  - {name: b}\n")
    assert identify_all(list_steps(one)) != identify_all(list_steps(two))


def test_changes_are_told_by_name() -> None:
    before = {"training.epochs": "3", "lora.r": "8", "rows": "1f", "start": "base"}
    after = {"training.epochs": "4", "lora.r": "8", "rows": "2e", "start": "sft 9a"}
    assert (
        format_changes(before, after)
        == "rows changed; the stage that it starts from changed; training.epochs: 4, was 3"
    )
    assert format_changes({"a": "1", "b": "1", "c": "1", "d": "1"}, {}).endswith("; and 1 more")


def test_pairs_that_are_all_too_weak_are_told_before_anything_trains(read: Read) -> None:
    data = "{source: samples/preference.jsonl, converter: preference, options: {strength: difference, threshold: 9}}"
    with pytest.raises(UserError) as caught:
        list_steps(read(f"  - {{name: sft}}\n  - {{name: dpo, data: {data}}}\n"))
    assert str(caught.value).endswith(
        "x.yaml:9:5: stage 'dpo': samples/preference.jsonl: train is empty: 1500 records, 0 rejected, "
        "1500 left out: strength under the threshold"
    )
    assert "\n" not in str(caught.value)


def test_several_stages_can_be_overridden_at_once(read: Read) -> None:
    stages = read("  - {name: a}\n  - {name: b}\n", None, ("stages={a: {training: {epochs: 1}}, b: {from: base}}",))
    assert [(stage.recipe.training.epochs, str(stage.start)) for stage in stages] == [(1, "base"), (3, "base")]
