"""Which machine's rank is to blame for a launch that failed, by its log and by what the other machines noted."""

from pathlib import Path

import pytest

from recipebook.launch import machines
from recipebook.launch.machines import JoinedMachine, note_machine
from recipebook.launch.silence import Silent
from recipebook.train.launch_failure import describe_end, find_elsewhere
from recipebook.train.lost_rank import FailedRank

GONE = "RuntimeError: [../gloo/transport/tcp/pair.cc:547] Connection closed by peer [10.0.0.2]:4711"
FAILED = """\
Root Cause (first observed failure):
[0]:
  rank      : {rank} (local_rank: 0)
  exitcode  : {code} (pid: 4711)
"""
FULL = JoinedMachine(1, "node-7", 1, "rank 1 could not write: No space left on device (df -h)", certain=True)
LOST = JoinedMachine(1, "node-7", 1, "rank 1 was killed by signal 9", lost=True, certain=True)
BROKEN = JoinedMachine(1, "node-7", 1, reason="ImportError: libcuda.so.1: cannot open shared object file")
ALSO_GONE = JoinedMachine(1, "node-7", 1, reason=GONE)
WAITING = Silent("all 4 ranks have been silent for 63 s: their stacks are in ranks/", here=False)
STUCK = Silent("rank 0 (process 4711) has been silent for 63 s: it is stopped, in a.py:5", here=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines.await_ends, "__defaults__", (0.0,))


@pytest.mark.parametrize(
    ("logged", "noted", "silent", "found"),
    [
        (GONE, FULL, None, FailedRank("machine 1 (node-7): rank 1 could not write: No space left on device (df -h)")),
        (GONE, LOST, None, FailedRank("machine 1 (node-7): rank 1 was killed by signal 9", lost=True)),
        ("", FULL, WAITING, FailedRank("machine 1 (node-7): rank 1 could not write: No space left on device (df -h)")),
        (GONE, BROKEN, None, FailedRank(f"machine 1 (node-7): {BROKEN.reason}")),
        # Its own error says more than that of a machine that may have ended of it.
        ("ValueError: no such file", BROKEN, None, None),
        (GONE, ALSO_GONE, None, None),
        (GONE, JoinedMachine(1, "node-7"), None, FailedRank("machine 1 (node-7) no longer answers")),
        ("", JoinedMachine(1, "node-7"), WAITING, FailedRank("machine 1 (node-7) no longer answers")),
        ("DistStoreError: Timed out after 901 seconds waiting for clients. 1/2 clients joined.", None, None,
         FailedRank("machine 1 has not joined")),
        ("", FULL, STUCK, None),
        (FAILED.format(rank=0, code=-9), BROKEN, None, None),
    ],
)  # fmt: skip
def test_the_rank_to_blame_is_named_with_its_machine(
    tmp_path: Path, logged: str, noted: JoinedMachine | None, silent: Silent | None, found: FailedRank | None
) -> None:
    (tmp_path / "train.log").write_text(f"{logged}\n")
    if noted:
        note_machine(tmp_path, noted)
    assert find_elsewhere(tmp_path, 0, {"machines": 2}, silent) == found


def test_a_launch_on_one_machine_waits_for_no_other(tmp_path: Path) -> None:
    (tmp_path / "train.log").write_text(f"{GONE}\n")
    note_machine(tmp_path, FULL)
    assert find_elsewhere(tmp_path, 0, {"machines": 1}, WAITING) is None
    assert find_elsewhere(tmp_path, 0, {}, None) is None


@pytest.mark.parametrize(
    ("logged", "code", "silent", "ended"),
    [
        (FAILED.format(rank=1, code=28), 1, None, FULL),
        (FAILED.format(rank=1, code=-9), 1, None, LOST),
        (f"{GONE}\n", 1, None, ALSO_GONE),
        ("a line\n", 1, STUCK, JoinedMachine(1, "node-7", 1, str(STUCK))),
        ("a line\n", 0, None, JoinedMachine(1, "node-7", 0)),
    ],
)
def test_a_machine_notes_how_its_ranks_ended(
    tmp_path: Path, logged: str, code: int, silent: Silent | None, ended: JoinedMachine
) -> None:
    log = tmp_path / "machine-1.log"
    log.write_text(f"ValueError: of an earlier attempt\n{logged}")
    assert describe_end(JoinedMachine(1, "node-7"), log, 34, code, silent) == ended
