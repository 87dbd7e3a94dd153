"""A training that learned nothing is known by its losses; one that only learned little is not."""

import json
from pathlib import Path

import pytest

from recipebook.run.learned import explain_unchanged, find_nothing_learned, judge_end
from tests.recipebook.run.curves import FALLING, log

GUESSING = "guessing among all 2,048 tokens gives 7.62"
LOST = [2.0, 9.0, 8.0, 7.7, 7.6]


@pytest.mark.parametrize(
    ("losses", "validation", "vocabulary", "reason"),
    [
        (LOST, {0: 2.3, 50: 7.62}, 2048, f"validation loss 7.62 at the end, and {GUESSING}"),
        (LOST, {}, 2048, f"training loss 7.60 at the end, and {GUESSING}"),
        (LOST, {0: 2.3, 50: 7.62}, None, "validation loss 7.62 at the end, 2.30 before training"),
        (LOST, {}, None, "training loss 7.60 at the end, 2.00 when first logged"),
        ([2.0, 2.1], {0: 2.0, 20: 2.31}, 2048, "validation loss 2.31 at the end, 2.00 before training"),
        # Noise, a little too much of a good thing, or too few steps to show anything.
        ([2.0, 2.1], {0: 2.0, 20: 2.1}, 2048, None),
        (FALLING, {0: 2.2, 100: 2.9}, 2048, None),
        ([2.0, 2.05, 1.95, 2.4], {}, 2048, None),
        ([2.0, 0.5, 6.0], {}, None, None),
        # A small base may do worse than guessing on text that it never saw, before and after a few steps.
        ([11.75], {}, 1800, None),
        ([11.75, 11.8], {}, 1800, None),
        ([11.75, 11.6], {0: 11.7, 2: 11.75}, 1800, None),
        (FALLING, {}, 2048, None),
        ([], {}, 2048, None),
    ],
)  # fmt: skip
def test_an_end_is_held_against_the_start_and_against_guessing(
    losses: list[float], validation: dict[int, float], vocabulary: int | None, reason: str | None
) -> None:
    assert judge_end(log(losses, validation), vocabulary) == reason


@pytest.mark.parametrize(
    ("steps", "vocabulary", "reason"),
    [
        # Twelve steps, of which the first, the tenth and the last are logged.
        ({1: 2.5, 10: 7.1, 12: 7.6}, 2048, f"training loss 7.60 at the end, and {GUESSING}"),
        ({1: 2.5, 10: 9.8, 12: 10.4}, None, "training loss 10.40 at the end, 2.50 when first logged"),
        # The first step had an easy row.
        ({1: 0.05, 10: 1.7, 12: 1.6}, None, None),
        ({1: 2.5, 10: 2.1, 12: 2.0}, 2048, None),
    ],
)
def test_the_first_step_shows_where_a_short_training_began(
    steps: dict[int, float], vocabulary: int | None, reason: str | None
) -> None:
    lines = [{"step": step, "loss": loss} for step, loss in steps.items()]
    assert judge_end(lines, vocabulary) == reason


def test_losses_and_gradients_without_a_finite_value_teach_nothing() -> None:
    nan = float("nan")
    # The trainer's loss leaves out what is not finite, and looks well.
    lines = [{"step": 1, "loss": 7.6, "grad_norm": nan}, {"step": 10, "loss": 4.34, "grad_norm": nan}]
    assert judge_end(lines, 2048) == "the gradient norm was nan whenever it was logged"
    # One step in half precision may be skipped.
    assert judge_end([{**lines[0], "grad_norm": float("inf")}, {**lines[1], "grad_norm": 0.5}], 2048) is None
    assert judge_end(log([2.0, 1.9], {0: 2.3, 20: nan}), 2048) == "validation loss nan at the end, 2.30 before training"
    # Rows of validation without any token that counts have no loss, before training and after it.
    assert judge_end(log([2.0, 1.9], {0: nan, 20: nan}), 2048) is None


def test_the_weights_that_were_kept_count() -> None:
    lines = log(LOST, {0: 2.3, 10: 1.9, 50: 7.62})
    assert judge_end(lines, 2048, best=True) is None
    assert judge_end(lines, 2048) is not None


def write_run(folder: Path, settings: str, lines: list[dict[str, object]]) -> Path:
    (folder / "axolotl.yaml").write_text(settings)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_vocabulary_is_that_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"vocab_size": 2048}')
    run = write_run(tmp_path, "base_model: base\n", log([7.6] * 5))
    assert find_nothing_learned(run) == (
        "nothing was learned: training loss 7.60 at the end, and guessing among all 2,048 tokens gives 7.62; "
        "try a hundredth of training.learning_rate"
    )
    # Weights drawn at random begin by guessing, and a preference loss has another scale.
    for settings in ("base_model: base\nreinit_weights: true\n", "base_model: base\nrl: dpo\n"):
        assert find_nothing_learned(write_run(tmp_path, settings, log([7.6] * 5))) is None


def test_one_step_under_a_warm_up_explains_unchanged_weights(tmp_path: Path) -> None:
    run = write_run(tmp_path, "warmup_ratio: 0.1\n", [])
    (run / "progress.json").write_text('{"step": 1, "steps": 1}')
    told = "the warm-up's first step has a learning rate of 0, and there was no other: training.warmup_ratio=0"
    assert explain_unchanged(run) == told
    (run / "progress.json").write_text('{"step": 0, "steps": 1}')
    none = "no step was made, as the rows do not fill one: a smaller training.batch_size, or more rows"
    assert explain_unchanged(run) == none
    (run / "progress.json").write_text('{"step": 2, "steps": 2}')
    assert explain_unchanged(run) is None
    (run / "progress.json").write_text('{"step": 1, "steps": 1}')
    assert explain_unchanged(write_run(tmp_path, "warmup_ratio: 0\n", [])) is None


def test_episodes_that_all_succeed_are_the_reason_why_nothing_was_learned(tmp_path: Path) -> None:
    run = write_run(tmp_path, "warmup_ratio: 0\n", [])
    line = {"collection": 1, "success": 1.0, "outcomes": {"correct": 32}, "learned_from": 0}
    (run / "training_stats.jsonl").write_text(json.dumps(line) + "\n")
    course = "32 of 32 correct in collection 1, 32 of 32 in the last"
    told = f"no task had episodes of two rewards ({course}); try tasks that succeed now and then"
    assert explain_unchanged(run) == told
