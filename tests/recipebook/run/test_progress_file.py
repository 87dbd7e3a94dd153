"""A training seen from outside: how far it is, and what it ended of."""

import json
from pathlib import Path

import pytest

from recipebook.run.progress_file import last_error, read_progress

LAUNCHER = """\
E1121 12:00:05 torch/distributed/elastic/multiprocessing/api.py:984] failed (exitcode: 1) local_rank: 0
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
trainer FAILED
"""
# As a library in C++ ends a process that was interrupted.
NANOBIND = """\
nanobind: leaked 4 instances!
 - leaked instance 0x7f099ff95a68 of type "triton._C.libtriton.ir.attribute"
nanobind: leaked 513 functions!
 - leaked function "matmul"
 - ... skipped remainder
nanobind: this is likely caused by a reference counting issue in the binding code.
See https://nanobind.readthedocs.io/en/latest/refleaks.html
"""
VALIDATION = """\
pydantic_core._pydantic_core.ValidationError: 2 validation errors for AxolotlInputConfig
lora_r
  Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]
    For further information visit https://errors.pydantic.dev/2.12/v/int_parsing
"""
GONE = "RuntimeError: [/pytorch/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:40173"
NCCL = "torch.distributed.DistBackendError: NCCL error: remote process exited or there was a network error"


def test_progress_is_what_the_trainer_wrote_last_and_nothing_before(tmp_path: Path) -> None:
    assert read_progress(tmp_path) == {}
    (tmp_path / "progress.json").write_text(json.dumps({"phase": "training", "step": 3, "steps": 8}))
    assert read_progress(tmp_path) == {"phase": "training", "step": 3, "steps": 8}


@pytest.mark.parametrize("damaged", ["", "{}", "[1]", "null", '{"step": 3}'])
def test_a_damaged_report_is_none(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "progress.json").write_text(damaged)
    assert read_progress(tmp_path) == {}


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("", "the log is empty"),
        (" \n\t\n", "the log is empty"),
        ("loading\n  no space left on device  \n\n", "no space left on device"),
        ("Traceback …\nValueError: no such thing\nbye\n", "ValueError: no such thing"),
        ("ValueError: first\nTypeError: second\n", "TypeError: second"),
        (
            "Traceback …\nqueue.Empty\nrequests.exceptions.BaseException: cut\nend\n",
            "requests.exceptions.BaseException: cut",
        ),
        ("KeyboardInterrupt\nend\n", "KeyboardInterrupt"),
        # The word is the name's end, and stands before a colon: neither of these is an exception.
        ("ErrorCode: 7\nno Error: none\nend\n", "no Error: none"),
        ("the last Error was found\nend\n", "end"),
        (f"the disk is gone\n{NANOBIND}", "the disk is gone"),
        (f"torch.cuda.OutOfMemoryError: CUDA\n{LAUNCHER}", "torch.cuda.OutOfMemoryError: CUDA"),
        (LAUNCHER, "trainer FAILED"),
        # The other ranks say only that one has ended, before or after it says why.
        (f"[rank1]: KeyError: 'x'\n[rank0]: {GONE}\n{LAUNCHER}", "KeyError: 'x'"),
        (f"[rank0]: {NCCL}\n[rank1]: KeyError: 'x'\n{LAUNCHER}", "KeyError: 'x'"),
        (f"{GONE}\n{LAUNCHER}", GONE),
        (
            f"{VALIDATION}{LAUNCHER}",
            "pydantic_core._pydantic_core.ValidationError: 2 validation errors for AxolotlInputConfig lora_r "
            "Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]",
        ),
    ],
)
def test_the_last_error_is_the_last_exception_that_is_not_the_launchers(tmp_path: Path, log: str, error: str) -> None:
    (tmp_path / "train.log").write_text(log)
    assert last_error(tmp_path / "train.log") == error


def test_what_an_earlier_attempt_logged_is_not_its_last_error(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(f"KeyError: 'x'\n{GONE}\n")
    assert last_error(tmp_path / "train.log", len("KeyError: 'x'\n")) == GONE


def test_a_long_line_is_cut_and_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_bytes(b"ValueError: \xff" + b"x" * 400 + b"\n")
    assert last_error(tmp_path / "train.log") == "ValueError: �" + "x" * 287
    (tmp_path / "train.log").write_text("y" * 400)
    assert last_error(tmp_path / "train.log") == "y" * 300
