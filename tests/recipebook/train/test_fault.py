"""What the trainer left behind, and whether it is a trained model."""

import json
from pathlib import Path

import pytest

from recipebook.train.fault import TrainingFault, find_fault, read_final_loss

GOOD = {"finite": True, "changed": True, "tensors": 2, "parameters": 8, "digest": "d"}


def leave(folder: Path, weights: dict[str, object] | None, loss: float | None) -> Path:
    (folder / "train.log").write_text("all is well\n")
    if weights:
        (folder / "weights.json").write_text(json.dumps(weights))
    if loss is not None:
        (folder / "metrics.jsonl").write_text(f'{{"step": 1, "loss": 9.0}}\n{{"step": 2, "loss": {loss}}}\n')
    return folder


def test_finite_changed_weights_and_a_loss_are_a_model(tmp_path: Path) -> None:
    assert find_fault(leave(tmp_path, GOOD, 0.5), 0) is None
    assert read_final_loss(tmp_path) == 0.5


def test_a_training_too_short_to_log_a_step_is_judged_by_its_mean_loss(tmp_path: Path) -> None:
    leave(tmp_path, GOOD, None)
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "eval_loss": 2.0}\n{"step": 3, "train_loss": 2.5}\n')
    assert find_fault(tmp_path, 0) is None
    assert read_final_loss(tmp_path) == 2.5


@pytest.mark.parametrize(
    ("weights", "loss", "code", "fault"),
    [
        (GOOD, 0.5, -9, "the trainer was killed by signal 9"),
        (GOOD, 0.5, 1, "the trainer ended with status 1: all is well"),
        (None, 0.5, 0, "the trainer ended without saving a model: all is well"),
        ({**GOOD, "finite": False}, 0.5, 0, "the saved weights are not finite"),
        ({**GOOD, "changed": False}, 0.5, 0, "the saved weights are those that training began with"),
        (GOOD, 0.0, 0, "the last logged loss is 0.0, not a finite number above 0"),
        (GOOD, float("inf"), 0, "the last logged loss is inf, not a finite number above 0"),
        (GOOD, None, 0, "the last logged loss is None, not a finite number above 0"),
    ],
)
def test_anything_less_is_a_fault(
    tmp_path: Path, weights: dict[str, object] | None, loss: float | None, code: int, fault: str
) -> None:
    text = "Infinity" if loss == float("inf") else loss
    folder = leave(tmp_path, weights, loss)
    if text == "Infinity":
        (folder / "metrics.jsonl").write_text('{"step": 1, "loss": Infinity}\n')
    assert find_fault(folder, code) == TrainingFault(fault)


@pytest.mark.parametrize(
    ("step", "settings", "fault"),
    [
        (8, "{}", None),
        (5, "{}", "the trainer ended after step 5 of 8"),
        (5, "{sample_packing: false}", "the trainer ended after step 5 of 8"),
        (5, "{early_stopping_patience: 3}", "the trainer ended after step 5 of 8"),
        (5, "{rl: grpo}", None),
        (7, "{sample_packing: true}", None),
    ],
)
def test_a_training_ends_with_its_last_step_or_by_what_lets_it_end_early(
    tmp_path: Path, step: int, settings: str, fault: str | None
) -> None:
    folder = leave(tmp_path, GOOD, 0.5)
    (folder / "progress.json").write_text(json.dumps({"phase": "saving", "step": step, "steps": 8}))
    (folder / "axolotl.yaml").write_text(settings)
    assert find_fault(folder, 0) == (TrainingFault(fault) if fault else None)


def test_a_trainer_that_saved_nothing_says_after_which_step_it_ended(tmp_path: Path) -> None:
    folder = leave(tmp_path, None, 0.5)
    (folder / "progress.json").write_text(json.dumps({"phase": "training", "step": 5, "steps": 8}))
    (folder / "axolotl.yaml").write_text("{}")
    fault = "the trainer ended after step 5 of 8 without saving a model: all is well"
    assert find_fault(folder, 0) == TrainingFault(fault)


def test_a_training_that_its_validation_ended_is_a_model_at_any_step(tmp_path: Path) -> None:
    folder = leave(tmp_path, GOOD, 0.5)
    (folder / "progress.json").write_text(json.dumps({"phase": "saving", "step": 5, "steps": 8, "early": True}))
    assert find_fault(folder, 0) is None


def test_a_training_that_saved_and_ended_when_it_was_asked_to_is_no_model(tmp_path: Path) -> None:
    folder = leave(tmp_path, None, 0.5)
    (folder / "progress.json").write_text(json.dumps({"phase": "stopped", "step": 5, "steps": 8}))
    assert find_fault(folder, 75) == TrainingFault("the trainer was stopped by SIGTERM", stopped=True)


def test_a_training_that_was_asked_to_end_before_it_could_save_is_stopped_too(tmp_path: Path) -> None:
    assert find_fault(leave(tmp_path, None, None), -15) == TrainingFault(
        "the trainer was stopped by SIGTERM", stopped=True
    )


def test_a_lost_rank_is_the_fault_although_the_others_were_asked_to_end(tmp_path: Path) -> None:
    folder = leave(tmp_path, None, 0.5)
    (folder / "progress.json").write_text(json.dumps({"phase": "stopped", "step": 5, "steps": 8}))
    (folder / "train.log").write_text(
        "Root Cause (first observed failure):\n"
        "  rank      : 1 (local_rank: 1)\n"
        "  exitcode  : -9 (pid: 4711)\n"
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:\n"
    )
    assert find_fault(folder, 1) == TrainingFault("rank 1 was killed by signal 9", lost=True)


@pytest.mark.parametrize("rank", ["", "[rank3]: "])
def test_a_gpu_whose_memory_ran_out_is_told_with_what_to_change(tmp_path: Path, rank: str) -> None:
    (tmp_path / "train.log").write_text(
        f"{rank}Traceback (most recent call last):\n"
        f"{rank}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 79 GiB.\n"
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:\n"
    )
    assert find_fault(tmp_path, 1) == TrainingFault(
        "the trainer ended with status 1: the GPU's memory ran out; try training.gradient_checkpointing=true, "
        "then training.batch_size=1, then lora.quantize=4bit (docs/gpu.md)"
    )


def test_a_checkpoint_that_found_no_room_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(
        "[rank1]: RuntimeError: [enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534\n"
    )
    said = "the trainer ended with status 1: a checkpoint could not be written, as on a full disk (df -h)"
    assert find_fault(tmp_path, 1) == TrainingFault(said)
