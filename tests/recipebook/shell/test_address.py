"""The server that a training starts for itself: it goes on after a kill, and ends with the process that started it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.recipe import reinforcement_keys
from recipebook.shell import messages
from recipebook.shell.address import PATIENCE, SERVER, OwnServer, open_episodes, require_episodes
from recipebook.shell.client import RemoteEpisodes
from recipebook.shell.episodes import Step
from recipebook.shell.tasks import Task
from tests.recipebook.shell.boxes import needs_boxes

ROOT = Path(__file__).parents[3]
TASK = Task(
    number=1, instruction="Write a and b into /srv/x.", init="mkdir -p /srv", check='[ "$(cat /srv/x)" = "ab" ]'
)
HOLD = """
import time
from recipebook.shell.address import OwnServer
from recipebook.shell.client import RemoteEpisodes
server = OwnServer()
RemoteEpisodes(server.address, server.token).ping()
print(server.process.pid, flush=True)
time.sleep(600)
"""


def act(script: str) -> str:
    return f"Act: bash\n```bash\n{script}\n```"


def is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and ") Z " not in stat.read_text()


@needs_boxes
def test_episodes_go_on_where_they_were_after_their_server_was_killed_and_none_counts_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A proxy that is not there, and that no call on this machine may go through.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    server = OwnServer()
    try:
        with RemoteEpisodes(server.address, server.token) as episodes:
            episodes.reset(TASK, "one")
            episodes.reset(TASK, "broken")
            empty = Step("The output of the OS is empty.", False, "running")
            assert episodes.step("one", 1, act("printf a >> /srv/x")) == empty
            # Its own commands break the box: incorrect, and still so after the box was made again.
            hog = act(
                "for n in 1 2 3 4; do python3 -c 'import time; x = b\"x\" * 300_000_000; time.sleep(9)' & done; wait"
            )
            assert episodes.step("broken", 1, hog).done
            first = server.process.pid
            os.kill(first, signal.SIGKILL)
            assert episodes.step("one", 2, act("printf b >> /srv/x")) == empty
            assert server.process.pid != first
            assert episodes.step("one", 2, act("printf b >> /srv/x")) == empty
            assert (episodes.state("one").steps, episodes.evaluate("one")) == (2, "correct")
            assert episodes.evaluate("broken") == "incorrect"
            assert episodes.ping().episodes == 2
    finally:
        server.close()
    assert not is_running(server.process.pid)


@needs_boxes
def test_a_server_ends_with_the_process_that_started_it() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    server = int(holder.stdout.readline())
    assert is_running(server)
    holder.kill()
    holder.wait()
    until = time.monotonic() + 30
    while is_running(server) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_running(server)


@needs_boxes
def test_a_server_that_cannot_start_says_why_and_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Not in pytest's own folders, through which the spawner, as another user, does not come.
    folder = tempfile.TemporaryDirectory()
    Path(folder.name).chmod(0o755)
    bwrap = Path(folder.name, "bwrap")
    bwrap.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    bwrap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder.name}:{os.environ['PATH']}")
    started = time.monotonic()
    expected = (
        "the server of shell tasks has ended: shell tasks cannot run here, since no box can be had: "
        "bwrap: No permissions to create new namespace"
    )
    with folder, pytest.raises(UserError) as raised, open_episodes(5, 20):
        pass
    assert str(raised.value) == expected
    assert time.monotonic() - started < PATIENCE / 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_named_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVER, "http://127.0.0.1:1")
    monkeypatch.setattr("recipebook.shell.address.PATIENCE", 0)
    with pytest.raises(UserError, match=r"^http://127\.0\.0\.1:1: .*refused"), open_episodes(5, 20):
        pass


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("http://[half", "Invalid IPv6 URL"),
        ("http://127.0.0.1:99999", "Port out of range 0-65535"),
        ("http://127.0.0.1:1", "[Errno 111] Connection refused"),
    ],
)
def test_an_address_at_which_no_server_can_be_is_told_before_anything_is_trained(
    monkeypatch: pytest.MonkeyPatch, address: str, fault: str
) -> None:
    monkeypatch.setenv(SERVER, address)
    with pytest.raises(UserError) as caught:
        require_episodes()
    assert str(caught.value) == f"SHELL_TASKS_SERVER: {address}: {fault}"


def test_a_server_that_one_call_has_waited_for_in_vain_is_not_waited_for_again() -> None:
    with RemoteEpisodes("http://127.0.0.1:1", patience=1) as episodes:
        started = time.monotonic()
        for call in range(30):
            with pytest.raises(UserError, match="refused"):
                episodes.close(f"one-{call}")
    assert time.monotonic() - started < 10


def test_a_recipe_may_not_give_a_command_more_time_than_servers_do() -> None:
    assert reinforcement_keys.LONGEST_COMMAND == messages.LONGEST_COMMAND
