"""A training that is asked to end: SIGTERM in; a checkpoint that all ranks write at one step, and their end, out.

The signal reaches ranks in different steps, while a checkpoint is written by all of them together. At the end of each
step the ranks therefore agree on whether any of them was asked.

A training by reinforcement ends without one where it is within a collection. Its episodes are in memory alone, so that
it would begin another collection there, and each later one at the wrong step.
"""

import os
import signal
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import torch
from torch import distributed
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from recipebook.run.progress_file import STOPPED, write_progress
from trainer.tracked import send_what_was_logged

STATUS = 75
"""The exit status of a training that another start resumes, as sysexits.h has it (EX_TEMPFAIL)."""


class StopTogether(TrainerCallback):
    """Saves a checkpoint at the end of the step in which a rank was asked to end, and ends."""

    def __init__(self, folder: Path, collects: bool = False) -> None:
        """`collects`: only checkpoints of the schedule can be resumed from, which are those after a collection."""
        self.folder = folder
        self.collects = collects
        self.asked = self.ending = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """From here on there are steps, and something to save."""
        trainer = os.getpid()

        def ask(signum: int, frame: FrameType | None) -> None:
            if os.getpid() != trainer:
                # A worker that loads data.
                os._exit(128 + signum)
            self.asked = True

        signal.signal(signal.SIGTERM, ask)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """All ranks are at the end of the same step; after the last one, training ends anyway."""
        if not ask_all(self.asked, args.device) or state.global_step >= state.max_steps:
            return
        if self.collects and state.global_step % args.save_steps:
            self._end(args, state)
        self.ending = control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """This rank has written its part of the checkpoint."""
        if self.ending:
            self._end(args, state)

    def _end(self, args: TrainingArguments, state: TrainerState) -> NoReturn:
        send_what_was_logged()
        # A rank that ends while another still writes would have that one ended by the launcher.
        ask_all(True, args.device)
        if state.is_world_process_zero:
            write_progress(self.folder / "progress.json", STOPPED, state.global_step, state.max_steps)
        os._exit(STATUS)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """What follows is saved anew by another start."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def ask_all(here: bool, device: torch.device) -> bool:
    """Whether it is true of any rank; all of them call this, and wait for each other."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return here
    answer = torch.tensor([int(here)], device=device)
    distributed.all_reduce(answer, op=distributed.ReduceOp.MAX)
    return bool(answer.item())
