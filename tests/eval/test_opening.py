"""What an evaluation needs is settled before a model is loaded: its settings, its rows, its folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.asking.measurable import check_prompts
from eval.asking.prompts import Prompt
from eval.opening import (
    _format_empty,
    choose_folder,
    find_folder,
    find_weights,
    list_notes,
    name_units,
    read_recipe,
    read_rows,
    replacing_evaluation,
)
from recipebook import project
from recipebook.data.dataset import prepare
from recipebook.errors import UserError
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.recipe.keys import Recipe
from recipebook.recipe.reinforcement_keys import Reinforcement
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from recipebook.train.opening import open_run
from tests.end_to_end.quick_engine import write_checkpoint
from tests.recipebook.recipe.making import keep_apart, write_sample

RECIPE = {"description": "d", "model": {"base": "b"}}
TEXT = """\
description: a recipe
model: {base: models/tiny-base, chat_template: chatml}
data: {source: SAMPLE/chats.jsonl, converter: chat, split: {by: [id], validation: 0.2, test: 0.2}}
"""
EVAL = "eval: {metrics: {text: {}, likelihood: {}}, main: exact, slices: [topic]}\n"
StartTrained = Callable[..., Run]


@pytest.fixture
def start_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StartTrained:
    """Opens a run of the recipe in x.yaml, with these last lines, as if it were trained."""
    keep_apart(monkeypatch, tmp_path)
    write_sample(tmp_path)

    def start(end: str = EVAL, overrides: tuple[str, ...] = ()) -> Run:
        edit(tmp_path, end)
        resolved = resolve(str(tmp_path / "x.yaml"), "tiny", overrides)
        recipe = resolved.recipe
        dataset = prepare(recipe.data, project.CACHE / "data", resolved.root, system=recipe.model.system)
        run = Run(tmp_path / "runs" / "x")
        run.folder.mkdir(parents=True)
        manifest = open_run(run, resolved, overrides, dataset, "identity")
        run.write(manifest.model_copy(update={"status": "trained"}))
        return run

    return start


def edit(folder: Path, end: str) -> None:
    """Write the recipe with these last lines."""
    (folder / "x.yaml").write_text((TEXT + end).replace("SAMPLE", str(folder)))


@pytest.mark.parametrize(
    ("part", "checkpoint", "limit", "folder"),
    [
        ("test", None, None, "eval"),
        ("test", 500, None, "eval/checkpoint-500"),
        ("test", None, 50, "eval/limit-50"),
        ("validation", None, None, "eval/validation"),
        ("validation", 500, 50, "eval/validation/limit-50/checkpoint-500"),
    ],
)
def test_parts_checkpoints_and_limits_have_folders_of_their_own(
    part: str, checkpoint: int | None, limit: int | None, folder: str
) -> None:
    settings = Evaluation.model_validate({"part": part})
    assert choose_folder(Run(Path("runs/x")), settings, checkpoint, limit) == Path("runs/x") / folder


def test_an_empty_part_is_told_by_what_made_it_so() -> None:
    none = {"source": "x", "converter": "echo", "split": {"test": 0}}
    assert _format_empty(Recipe.model_validate({**RECIPE, "data": none}), "test") == "its recipe's data.split.test is 0"
    few = {"source": "x", "converter": "echo", "split": {"test": 0.05}}
    told = _format_empty(Recipe.model_validate({**RECIPE, "data": few}), "test")
    assert told == "none of its records fell to the share of 0.05"
    split = {"file": "splits.json", "by": ["persona_id"]}
    listed = Recipe.model_validate({**RECIPE, "data": {"source": "x", "converter": "echo", "split": split}})
    assert _format_empty(listed, "validation") == "the lists 'val' of its split file splits.json are empty"


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("eval.main=exakt", "SET: eval.main: no figure 'exakt' in the metrics; did you mean 'exact'?"),
        ("eval.main=length_ratio", "figure 'length_ratio' is not tested and cannot be the main one; these can: exact"),
        ("eval.slices=[toppic]", "no test row has 'toppic' in its meta to slice by; they have: kind, origin, topic"),
        ("eval.unit=[session]", "has no 'session' in its meta; it has: topic, kind, origin"),
        ("eval.metrics={preference: {}}", "is no pair, and metric 'preference' measures pairs"),
        ("training.epochs=2", "cannot change a trained run; only eval.* can"),
    ],
)
def test_a_mistake_in_a_setting_is_refused_by_what_was_prepared(
    start_trained: StartTrained, setting: str, told: str
) -> None:
    run = start_trained()
    given = (setting, "eval.main=null") if setting.startswith("eval.metrics") else (setting,)
    with pytest.raises(UserError) as caught:
        recipe = read_recipe(run, given)
        check_prompts(recipe.eval, read_rows(run, recipe).prompts)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", ["text", "robot"])
def test_a_bad_answer_is_no_reference(metric: str) -> None:
    bad = Prompt("x#1", (), (), {"role": "assistant", "content": "no"}, None, {"label": "bad"}, labelled=True)
    check_prompts(Evaluation.model_validate({"metrics": {"preference": {}, "likelihood": {}}}), [bad])
    with pytest.raises(UserError) as caught:
        check_prompts(Evaluation.model_validate({"metrics": {"preference": {}, metric: {}}}), [bad])
    assert str(caught.value) == (
        f"x#1 is an answer with a label, which may be a bad one to be like; metric '{metric}' takes every answer for a "
        "good one: preference and likelihood measure answers with a label"
    )


def test_rows_belong_together_by_the_split_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "units.json").write_text('{"a#1": "5f0c", "a#3": "5f0c"}')
    prompts = [
        Prompt(origin, (), (), {"role": "assistant", "content": ""}, None, {"origin": origin, "topic": topic})
        for origin, topic in (("a#1", "x"), ("a#2", "x"), ("a#3", "y"))
    ]
    assert name_units(run, Evaluation(), prompts) == ["5f0c", None, "5f0c"]
    assert name_units(run, Evaluation(unit=("topic",)), prompts) == ['["x"]', '["x"]', '["y"]']
    # Rows that an earlier version converted have none, and are taken record by record.
    (tmp_path / "data" / "units.json").unlink()
    assert name_units(run, Evaluation(), prompts) == [None] * 3


def test_a_placebo_is_told(start_trained: StartTrained) -> None:
    run = start_trained()
    run.write(run.read().model_copy(update={"placebo_of": "5d0c"}))
    assert list_notes(run, read_recipe(run, ())) == [
        "a placebo: it was trained on shuffled answers, so its figures are what the form of answers alone gives"
    ]


def test_a_control_whose_rewards_were_drawn_by_lot_is_told(start_trained: StartTrained) -> None:
    run = start_trained()
    recipe = read_recipe(run, ())
    training = recipe.training.model_copy(update={"method": "grpo"})
    drawn = recipe.model_copy(update={"training": training, "rl": Reinforcement(control="random")})
    assert list_notes(run, drawn) == [
        "a control: its rewards were drawn by lot, so its figures are what training gives that learns from no outcome"
    ]


def test_an_edited_section_counts_and_is_told(start_trained: StartTrained, tmp_path: Path) -> None:
    run = start_trained()
    assert list_notes(run, read_recipe(run, ())) == []
    edit(tmp_path, EVAL.replace("[topic]", "[kind]") + "training: {epochs: 9}\n")
    recipe = read_recipe(run, ())
    assert recipe.eval.slices == ("kind",)
    assert recipe.training.epochs != 9
    told = 'the recipe\'s section as it is now: eval.slices: ["kind"], was ["topic"]'
    assert list_notes(run, recipe) == [told]
    edit(tmp_path, "eval: {metrics: {text: {}}, main: exakt}\n")
    with pytest.raises(UserError, match=r"x\.yaml:4:\d+: eval\.main: no figure 'exakt'"):
        read_recipe(run, ())
    (tmp_path / "x.yaml").unlink()
    assert read_recipe(run, ()).eval.slices == ("topic",)


def test_what_was_set_at_the_training_is_set_still(start_trained: StartTrained) -> None:
    run = start_trained(overrides=("eval.limit=5",))
    assert read_recipe(run, ()).eval.limit == 5


@pytest.mark.parametrize(
    ("held", "drawn", "places"),
    [
        (None, None, {"5": "eval", "3": "eval", "null": "eval"}),
        (8, None, {"5": "eval", "3": "eval/limit-3", "null": "eval"}),
        (5, 5, {"5": "eval", "3": "eval/limit-3", "7": "eval", "null": "eval"}),
    ],
)
def test_a_limit_never_replaces_an_evaluation_of_more_rows(
    start_trained: StartTrained, held: int | None, drawn: int | None, places: dict[str, str]
) -> None:
    run = start_trained(overrides=("eval.limit=5",))
    if held:
        asked: dict[str, Any] = {"part": "test", "turns": "last", "engine": "", "checkpoint": None}
        asked |= {"drawn": {"rows": drawn, "of": 8}} if drawn else {}
        summary = {"main": "exact", "seed": 42, "rows": held, "truncated": 0, "with_base": True, "asked": asked}
        (run.folder / "eval").mkdir()
        result = {"figure": "exact", "explanation": "e", "binary": True, "base": None, "difference": None}
        estimate = {"n": 0, "undefined": held, "mean": None, "low": None, "high": None}
        summary |= {"results": [{**result, "tuned": estimate, "p_adjusted": None}], "slices": []}
        (run.folder / "eval" / "summary.json").write_text(json.dumps(summary))
    for limit, folder in places.items():
        recipe = read_recipe(run, (f"eval.limit={limit}",))
        assert find_folder(run, recipe.eval) == run.folder / folder


@pytest.mark.parametrize("end", ["", "eval: {}\n", "eval: {slices: [topic]}\n"])
def test_a_recipe_without_metrics_gets_its_converters(start_trained: StartTrained, end: str) -> None:
    assert read_recipe(start_trained(end), ()).eval.metrics == {"likelihood": {}, "overlap": {}, "text": {}}


def test_the_converter_that_auto_chose_counts(start_trained: StartTrained, tmp_path: Path) -> None:
    run = start_trained("")
    edit(tmp_path, "")
    resolved = (run.folder / "resolved.yaml").read_text()
    (run.folder / "resolved.yaml").write_text(resolved.replace("converter: chat", "converter: auto"))
    assert read_recipe(run, ()).eval.metrics == {"likelihood": {}, "overlap": {}, "text": {}}
    commands = [{"input": f"go {n}", "output": "robot.stop()"} for n in range(4)]
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(one) + "\n" for one in commands))
    assert read_recipe(run, ()).eval.metrics == {"robot": {}}


def test_rows_outlive_the_cache_and_replaced_ones_are_told(start_trained: StartTrained) -> None:
    run = start_trained()
    recipe = read_recipe(run, ())
    before = read_rows(run, recipe)
    shutil.rmtree(project.CACHE)
    assert read_rows(run, recipe) == before
    assert list_notes(run, recipe) == []
    units = run.folder / "data" / "units.json"
    kept = units.read_bytes()
    units.unlink()
    (note,) = list_notes(run, recipe)
    assert note.startswith("each record counts by itself, as ") and "records that agree in id make" in note
    units.write_bytes(kept)
    path = run.folder / "data" / "test.jsonl"
    path.write_text(path.read_text().replace("say ", "tell "))
    (note,) = list_notes(run, recipe)
    assert "data/test.jsonl was replaced since the training (hash " in note


def test_rows_that_only_the_cache_had_are_made_again(
    start_trained: StartTrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_trained()
    recipe = read_recipe(run, ())
    before = read_rows(run, recipe)
    monkeypatch.setattr(prepare, "__defaults__", (tmp_path / "others", *(prepare.__defaults__ or ())[1:]))
    (run.folder / "data" / "test.jsonl").unlink()
    assert read_rows(run, recipe) == before
    source = tmp_path / "chats.jsonl"
    source.write_text(source.read_text().replace("say ", "tell "))
    with pytest.raises(UserError, match="is gone, as the cache was removed, and its sources give other rows now"):
        read_rows(run, recipe)


def test_rows_without_system_turns_are_made_again_without_them(
    start_trained: StartTrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "chats.jsonl"
    chats = [json.loads(line) for line in source.read_text().splitlines()]
    for chat in chats:
        chat["messages"].insert(0, {"role": "system", "content": "Be brief."})
    source.write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    run = start_trained(overrides=("model.system=drop",))
    recipe = read_recipe(run, ())
    before = read_rows(run, recipe)
    assert {message["role"] for prompt in before.prompts for message in prompt.messages} == {"user", "assistant"}
    monkeypatch.setattr(prepare, "__defaults__", (tmp_path / "others", *(prepare.__defaults__ or ())[1:]))
    (run.folder / "data" / "test.jsonl").unlink()
    assert read_rows(run, recipe) == before


def test_a_run_whose_model_was_removed_is_refused_in_one_line(start_trained: StartTrained) -> None:
    run = start_trained()
    shutil.rmtree(run.folder / "model", ignore_errors=True)
    with pytest.raises(UserError, match=r"model holds no weights any more; make train with FORCE=1 trains them again$"):
        find_weights(run, None)


def test_a_run_that_is_not_trained_is_refused_with_the_checkpoint_that_it_has(start_run: Callable[..., Run]) -> None:
    run = start_run(status="failed")
    with pytest.raises(UserError, match=r" is failed, not trained and has no checkpoint$"):
        find_weights(run, None)
    for step in (20, 100):
        write_checkpoint(run.folder / "model" / f"checkpoint-{step}", step)
    with pytest.raises(UserError, match=r" is failed, not trained; it has checkpoints, such as CHECKPOINT=100$"):
        find_weights(run, None)


def test_an_evaluation_takes_anothers_place_only_when_it_is_whole(tmp_path: Path) -> None:
    run, folder = Run(tmp_path / "x"), tmp_path / "x" / "eval"
    (folder / "validation").mkdir(parents=True)
    (folder / "predictions.jsonl").write_text("old")
    (folder / "baselines.jsonl").write_text("old")
    (folder / "validation" / "summary.json").write_text("kept")
    with pytest.raises(UserError), replacing_evaluation(run, folder) as new:
        (new / "predictions.jsonl").write_text("new")
        raise UserError("no")
    old = {"predictions.jsonl": "old", "baselines.jsonl": "old"}
    assert read_files(tmp_path) == {**old, "summary.json": "kept"}
    with replacing_evaluation(run, folder) as new:
        (new / "predictions.jsonl").write_text("new")
    assert read_files(tmp_path) == {"predictions.jsonl": "new", "summary.json": "kept"}


def read_files(folder: Path) -> dict[str, str]:
    """Every file under a folder, by its name alone."""
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
