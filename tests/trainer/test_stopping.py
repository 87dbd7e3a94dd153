"""A training that is asked to end leaves a checkpoint from which it can go on, or the one before it."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import TrainerControl, TrainerState, TrainingArguments

from trainer.stopping import STATUS, StopTogether


def end_status(run: Callable[[], None]) -> int:
    """The exit status of a process that does this; 0 if it goes on."""
    child = os.fork()
    if not child:
        run()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def ask_at_step(folder: Path, step: int, collects: bool) -> TrainerControl:
    """A training of twelve steps, with a checkpoint after each six, that is asked to end in one of them."""
    args = TrainingArguments(output_dir=str(folder), save_strategy="steps", save_steps=6, use_cpu=True)
    state, control = TrainerState(max_steps=12), TrainerControl()
    stop = StopTogether(folder, collects)
    stop.on_train_begin(args, state, control)
    os.kill(os.getpid(), signal.SIGTERM)
    state.global_step = step
    stop.on_step_end(args, state, control)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return control


@pytest.mark.parametrize(("step", "collects"), [(3, False), (6, True)])
def test_a_checkpoint_is_written_where_it_can_be_resumed_from(tmp_path: Path, step: int, collects: bool) -> None:
    assert ask_at_step(tmp_path, step, collects).should_save


def test_a_training_within_a_collection_ends_at_once_and_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    assert end_status(lambda: print(ask_at_step(tmp_path, 7, collects=True))) == STATUS
    progress = json.loads((tmp_path / "progress.json").read_text())
    assert (progress["phase"], progress["step"], progress["steps"]) == ("stopped", 7, 12)
