"""Ranks that no longer answer: which of them is named, and when."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recipebook.launch import silence
from recipebook.launch.machines import JoinedMachine, note_machine
from recipebook.launch.ranks import RankProcess, list_ranks, note_rank, signal_ranks
from recipebook.launch.silence import Silent, Watch, find_patience, name_silent

RANK = """
import sys, time
from trainer.rank import be_rank
be_rank(int(sys.argv[1]))
open(f"ready-{sys.argv[1]}", "w").close()
def wait_here():
    time.sleep(60)
wait_here()
"""


@pytest.fixture
def ranks(tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Two ranks that wait."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    started = [
        subprocess.Popen([sys.executable, "-c", RANK, str(rank)], cwd=tmp_path, env=environment, start_new_session=True)
        for rank in (0, 1)
    ]
    end = time.monotonic() + 60
    while len(list(tmp_path.glob("ready-*"))) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_patience_is_three_times_the_longest_step_and_a_minute_at_least() -> None:
    assert [find_patience(one) for one in ({}, {"longest": 2.0}, {"longest": 30.5})] == [60.0, 60.0, 91.5]


def test_a_stopped_rank_is_named_with_where_it_is(tmp_path: Path, ranks: list["subprocess.Popen[bytes]"]) -> None:
    assert [(one.rank, one.pid) for one in list_ranks(tmp_path)] == [(rank, ranks[rank].pid) for rank in (0, 1)]
    os.kill(ranks[1].pid, signal.SIGSTOP)
    os.waitid(os.P_PID, ranks[1].pid, os.WSTOPPED | os.WNOWAIT)
    silent = name_silent(tmp_path, 61.2)
    start = f"rank 1 (process {ranks[1].pid}) has been silent for 61 s: it is stopped, in <string>:"
    assert (str(silent), silent.here) == (f"{start}7, wait_here", True)


@pytest.mark.parametrize("first", ["Thread", "Current thread"])
def test_a_rank_is_where_its_main_thread_is_whichever_took_the_signal(tmp_path: Path, first: str) -> None:
    (tmp_path / "0.stack").write_text(
        f'{first} 0x01 (most recent call first):\n  File "tqdm/_monitor.py", line 69 in run\n\n'
        'Thread 0x02 (most recent call first):\n  File "trainer/a.py", line 7 in step\n  File "x.py", line 1 in run\n'
    )
    assert silence._read_place(tmp_path / "0.stack") == "trainer/a.py:7, step"


def test_where_all_wait_alike_none_is_named(tmp_path: Path, ranks: list["subprocess.Popen[bytes]"]) -> None:
    assert str(name_silent(tmp_path, 61.2)) == "all 2 ranks have been silent for 61 s: their stacks are in ranks/"


def test_a_launch_is_silent_where_reports_stay_away_after_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_rank(tmp_path, 0)
    monkeypatch.setattr(silence, "list_ranks", lambda _: [RankProcess(0, 1)])
    monkeypatch.setattr(silence, "name_silent", lambda _, seconds: Silent(f"{seconds:.0f} s", here=True))
    now = [0.0]
    monkeypatch.setattr("recipebook.launch.silence.time.monotonic", lambda: now[0])
    watch = Watch(tmp_path)
    for at, progress in (
        (0, {}),
        (900, {"phase": "training", "step": 0, "longest": 0.0}),
        (1800, {"phase": "training", "step": 1, "longest": 40.0}),
        (1915, {"phase": "training", "step": 1, "longest": 40.0}),
        (1916, {"phase": "evaluating", "step": 2, "longest": 40.0}),
        (3700, {"phase": "evaluating", "step": 2, "longest": 40.0}),
        (3701, {"phase": "training", "step": 3, "longest": 40.0}),
    ):
        now[0] = at
        watch.follow(progress)
    now[0] = 3822
    with pytest.raises(Silent, match=r"^121 s$"):
        watch.follow({"phase": "training", "step": 3, "longest": 40.0})


def test_a_process_that_has_ended_or_is_on_another_machine_is_no_rank(tmp_path: Path) -> None:
    assert list_ranks(tmp_path) == []
    assert not signal_ranks(tmp_path, signal.SIGTERM)
    (tmp_path / "ranks").mkdir()
    elsewhere = {"rank": 0, "pid": os.getsid(0), "host": "elsewhere"}
    (tmp_path / "ranks" / "0.json").write_text(json.dumps(elsewhere))
    (tmp_path / "ranks" / "1.json").write_text(json.dumps({**elsewhere, "pid": 2**22 + 1}))
    assert list_ranks(tmp_path) == []


def test_ranks_that_wait_for_another_machine_are_ended_a_while_after_it_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("recipebook.launch.silence.time.monotonic", lambda: now[0])
    watch, joined = Watch(tmp_path), Watch(tmp_path, later=15)
    note_machine(tmp_path, JoinedMachine(1, "node-7"))
    watch.follow({})
    now[0] = 1000
    watch.follow({})
    note_machine(tmp_path, JoinedMachine(1, "node-7", status=1, reason="rank 1 could not write"))
    for at in (1000, 1020):
        now[0] = at
        watch.follow({})
    now[0] = 1021
    with pytest.raises(Silent, match=r"^machine 1 \(node-7\): rank 1 could not write$") as found:
        watch.follow({})
    assert not found.value.here
    joined.follow({})
