"""Which rank was lost, by the log of torch's launcher."""

from pathlib import Path

import pytest

from recipebook.train.lost_rank import FailedRank, find_failed_rank

LOG = """\
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
trainer FAILED
------------------------------------------------------------
Failures:
[1]:
  time      : 2026-11-29_19:00:01
  host      : node-7
  rank      : 0 (local_rank: 0)
  exitcode  : 1 (pid: 4710)
  error_file: <N/A>
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-29_19:00:00
  host      : node-7
  rank      : 1 (local_rank: 1)
  exitcode  : {code} (pid: 4711)
  error_file: <N/A>
  traceback : Signal 9 (SIGKILL) received by PID 4711
"""


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (-9, FailedRank("rank 1 was killed by signal 9", lost=True)),
        (-11, FailedRank("rank 1 was killed by signal 11", lost=True)),
        (1, None),
    ],
)
def test_the_first_rank_that_failed_is_lost_if_a_signal_killed_it(
    tmp_path: Path, code: int, found: FailedRank | None
) -> None:
    log = tmp_path / "train.log"
    log.write_text("the first line\n" + LOG.format(code=code))
    assert find_failed_rank(log, 15) == found


def test_what_an_earlier_attempt_logged_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(LOG.format(code=-9))
    before = log.stat().st_size
    log.write_text(LOG.format(code=-9) + "ValueError: no such file\n")
    assert find_failed_rank(log, before) is None


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (28, FailedRank("rank 1 could not write: No space left on device (df -h)")),
        (27, FailedRank("rank 1 could not write: File too large (df -h)")),
        (1, None),
    ],
)
def test_a_rank_that_could_not_write_is_known_by_its_status(
    tmp_path: Path, code: int, found: FailedRank | None
) -> None:
    log = tmp_path / "train.log"
    log.write_text(LOG.format(code=28) + LOG.format(code=code))
    assert find_failed_rank(log, len(LOG.format(code=28))) == found


def test_a_rank_that_could_not_write_explains_a_failure_that_began_with_another(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(LOG.replace("exitcode  : 1 ", "exitcode  : 28 ").format(code=1))
    assert find_failed_rank(log, 0) == FailedRank("rank 0 could not write: No space left on device (df -h)")
