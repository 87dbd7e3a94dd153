"""One model asked in several ways, in folders of their own: its adapter merged or apart, greedily or sampled."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from peft import PeftModel

from eval.asking import generate
from eval.comparing.evaluations import format_command, read_evaluation
from eval.comparing.leaderboard import rank_group
from eval.evaluate import evaluate_run
from eval.evaluate_checkpoints import evaluate_checkpoints, find_checkpointed
from eval.opening import choose_folder, read_recipe
from recipebook.errors import UserError
from recipebook.run.adapter import put_on
from recipebook.run.manifest import StageEntry
from recipebook.run.rundir import Run
from recipebook.run.stage_run import StageRun
from tests.eval.adapter_runs import make_run, write_recipe
from tests.eval.test_choosing import make_zip
from tests.recipebook.recipe.making import keep_apart
from tests.recipebook.run.adapters import load_base, write_trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data, runs, caches and a base of the tests' own."""
    folder = tmp_path_factory.mktemp("ways")
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, folder)
        write_recipe(folder)
        yield folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    """A run with two checkpoints."""
    run = make_run(folder)
    model = run.folder / "model"
    for step, seed in ((5, 2), (9, 1)):
        checkpoint = write_trained(folder / f"checkpoint-{step}", seed, rate=1e-2)
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(model / name, checkpoint)
        (checkpoint / "trainer_state.json").write_text("{}")
        (checkpoint / "optimizer.pt").symlink_to(make_zip(model))
        checkpoint.rename(model / checkpoint.name)
    return run


def test_an_adapter_apart_gives_the_answers_of_the_merged_one_and_the_line_says_so(run: Run) -> None:
    merged, first = evaluate_run(run, ())
    lines: list[str] = []
    apart, second = evaluate_run(run, ("eval.generation.adapter=apart",), tell=lines.append)
    assert apart == merged / "adapter-apart"
    (line,) = [line for line in lines if line.startswith("same")]
    assert line.startswith(f"same      {first.rows} of {first.rows} answers are those of ")
    assert second.asked
    assert second.asked.description.endswith(", the adapter apart")
    assert first.conditions == second.conditions
    group = rank_group([read_evaluation(run), read_evaluation(run, "adapter-apart")])
    assert group.standings[1].difference
    assert group.standings[1].difference.mean == 0


def test_a_sampled_evaluation_leaves_the_greedy_one(run: Run) -> None:
    greedy, _ = evaluate_run(run, ())
    before = (greedy / "summary.json").read_bytes()
    sampled, summary = evaluate_run(run, ("eval.generation.temperature=0.6",))
    assert sampled == greedy / "temperature-0.6"
    assert summary.asked
    assert summary.asked.description.endswith(", sampled at temperature 0.6")
    assert (greedy / "summary.json").read_bytes() == before


def test_an_evaluation_in_another_way_is_named_with_the_settings_that_repeat_it(run: Run) -> None:
    where = "validation/temperature-0.6/adapter-apart/checkpoint-5"
    settings = "eval.part=validation eval.generation.temperature=0.6 eval.generation.adapter=apart"
    assert format_command(run, where) == f'make eval RUN={run.name} CHECKPOINT=5 SET="{settings}"'
    asked = read_recipe(run, settings.split()).eval
    assert choose_folder(run, asked, 5) == run.folder / "eval" / where


@pytest.mark.parametrize(
    ("how", "dtype", "stays"),
    [
        ("auto", torch.float32, False),
        ("apart", torch.float32, True),
        ("auto", torch.bfloat16, True),
        ("merged", torch.bfloat16, False),
    ],
)
def test_an_adapter_is_merged_where_no_digits_are_lost_unless_it_is_named(
    tmp_path: Path, how: str, dtype: torch.dtype, stays: bool
) -> None:
    model = put_on(load_base(), write_trained(tmp_path / "adapter", 1)).model.to(dtype)
    assert isinstance(generate.merge(model, how), PeftModel) == stays


def test_all_checkpoints_are_in_one_table_and_the_best_alone_is_evaluated_on_test_rows(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate_checkpoints(run, ()) == 0
    said = capsys.readouterr().out
    assert "checkpoint 5 " in said
    assert "checkpoint 9 " in said
    (chosen,) = [line for line in said.splitlines() if line.startswith("chosen")]
    best = chosen.split()[2].rstrip(",")
    assert chosen == f"chosen    checkpoint {best}, the best of 2 on validation rows"
    places = run.folder / "eval"
    assert all((places / "validation" / f"checkpoint-{step}" / "summary.json").is_file() for step in (5, 9))
    assert [path.parent.name for path in places.glob("checkpoint-*/summary.json")] == [f"checkpoint-{best}"]


def test_a_run_without_checkpoints_has_none_to_choose_from(folder: Path) -> None:
    with pytest.raises(UserError, match=r"has no checkpoints; training\.keep_checkpoints keeps several"):
        evaluate_checkpoints(make_run(folder, "other"), ())


def test_of_a_run_with_stages_the_checkpoints_are_those_of_its_last_training_even_if_it_failed(
    start_run: Callable[..., Run],
) -> None:
    run = start_run()
    entries = [("sft", "train", "trained"), ("pairs", "generate_pairs", "done"), ("rl", "train", "failed")]
    pipeline = tuple(
        StageEntry(name=name, kind=kind, start="base", identity="i", inputs={}).model_copy(update={"status": status})
        for name, kind, status in entries
    )
    run.write(run.read().model_copy(update={"pipeline": pipeline}))
    assert find_checkpointed(run) is run
    for name in ("sft", "rl"):
        checkpoint = write_trained(run.folder / "stages" / name / "model" / "checkpoint-3", 1)
        (checkpoint / "trainer_state.json").write_text("{}")
        (checkpoint / "optimizer.pt").symlink_to(make_zip(checkpoint))
        found = find_checkpointed(run)
        assert isinstance(found, StageRun)
        assert found.name == name
