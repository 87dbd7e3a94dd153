"""Which Ray cluster a command joins, with real ones: never that of another command, and none that is gone."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from recipebook.errors import UserError
from recipebook.launch.ray_cluster import connect

# A command that says which cluster it is in, and stays in it until its input ends.
STAY = (
    "import sys\n"
    "from recipebook.launch.ray_cluster import connect\n"
    "connect({})\n"
    "import ray\n"
    "print(len(ray.nodes()), ray.get_runtime_context().gcs_address, flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is taken, and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_cluster_that_is_gone_is_named_at_once(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed_port}")
    with pytest.raises(UserError) as refused:
        connect({})
    assert str(refused.value) == f"RAY_ADDRESS: no Ray cluster at 127.0.0.1:{closed_port}: Connection refused"


@pytest.mark.parametrize("address", ["head", "head:port", ":6379", "ray://", "http://[::1", "head:99999"])
def test_what_is_no_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(UserError) as refused:
        connect({})
    assert str(refused.value) == (
        f"RAY_ADDRESS: {address!r} is no address of a Ray cluster; it wants host:port, or ray://host:port"
    )


def test_a_cluster_of_ray_start_that_is_gone_is_named(
    closed_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{closed_port}")
    with pytest.raises(UserError) as refused:
        connect({})
    assert str(refused.value) == (
        f"ray start (`ray stop` makes it forgotten): no Ray cluster at 127.0.0.1:{closed_port}: Connection refused"
    )


@pytest.mark.long
def test_a_command_does_not_join_the_cluster_of_another(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    command = [sys.executable, "-c", STAY]
    stays = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    said = [stay.stdout.readline().split() for stay in stays if stay.stdout]
    for stay in stays:
        stay.communicate()
    assert [nodes for nodes, _ in said] == ["1", "1"]
    assert said[0][1] != said[1][1]


@pytest.mark.long
def test_a_cluster_that_dies_as_it_starts_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    start, started = ray.init, []

    def start_and_kill_the_first(**settings: object) -> None:
        start(**settings)
        started.append(settings)
        if len(started) == 1:
            os.kill(find_raylet(), signal.SIGKILL)

    monkeypatch.setattr(ray, "init", start_and_kill_the_first)
    try:
        connect({})
        assert len(started) == 2
        assert [node["Alive"] for node in ray.nodes()] == [True]
    finally:
        ray.shutdown()


def find_raylet() -> int:
    """The process of this process's own node."""
    children = (Path(f"/proc/{child}") for child in Path("/proc/thread-self/children").read_text().split())
    return next(int(child.name) for child in children if (child / "comm").read_text().strip() == "raylet")


def test_a_cluster_that_never_starts_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)

    def time_out(**settings: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", time_out)
    with pytest.raises(UserError) as refused:
        connect({})
    assert str(refused.value) == (
        "LAUNCHER=ray: Ray does not start on this machine, tried 3 times: The current node timed out during startup."
    )
