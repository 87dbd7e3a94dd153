"""Cgroups of boxes: why there are none, what is written where there are, and that the kernel then obeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recipebook.shell.box import Box, BoxSettings, open_box
from recipebook.shell.cgroups import Cgroups, find_cgroups, share_out
from tests.recipebook.shell.boxes import MISSING

VERSION_1 = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
needs_cgroups = pytest.mark.skipif(
    MISSING is not None or isinstance(find_cgroups(), str), reason=f"no cgroup can be had here: {find_cgroups()}"
)


@pytest.fixture
def box() -> Iterator[Box]:
    box = open_box(BoxSettings(memory_mib=64, disk_mib=16, processes=1000))
    yield box
    box.close()


def make_tree(folder: Path, controllers: str) -> str:
    """A folder as the kernel shows one, and the line of /proc/self/mounts for it."""
    for name, text in {"controllers": controllers, "procs": "", "subtree_control": ""}.items():
        (folder / f"cgroup.{name}").write_text(text)
    return f"{VERSION_1}cgroup2 {folder} cgroup2 rw,nosuid 0 0\n"


def test_a_machine_without_version_2_is_told() -> None:
    assert share_out(VERSION_1, "4:memory:/\n") == "this machine has no cgroups of version 2"
    assert share_out(VERSION_1, "0::/\n") == "this machine has no cgroups of version 2"


def test_controllers_that_version_1_keeps_are_named(tmp_path: Path) -> None:
    mounts = make_tree(tmp_path, "hugetlb pids")
    assert share_out(mounts, "4:memory:/\n0::/\n") == "those of version 2 have no memory here"


def test_a_cgroup_that_nobody_gave_is_left_alone(tmp_path: Path) -> None:
    # Root may write there, but it has no mark of systemd's.
    (tmp_path / "session").mkdir()
    make_tree(tmp_path / "session", "cpu memory pids")
    mounts = f"cgroup2 {tmp_path} cgroup2 rw 0 0\n"
    if (tmp_path / "session").owner() != "root":
        pytest.skip("only root may write into everybody's cgroups")
    found = share_out(mounts, "0::/session\n")
    assert found == "this process was given none: systemd-run --user --scope -p Delegate=yes make …"
    assert (tmp_path / "session" / "cgroup.subtree_control").read_text() == ""


def test_a_boxs_cgroup_has_its_limits_and_those_of_ended_servers_are_removed(tmp_path: Path) -> None:
    mounts = make_tree(tmp_path, "cpu memory pids")
    # Numbers of processes end far below.
    (tmp_path / "box-99999999-3").mkdir()
    cgroups = share_out(mounts, "0::/\n")
    assert isinstance(cgroups, Cgroups)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert list(tmp_path.glob("box-*")) == []
    folder = cgroups.make(BoxSettings(memory_mib=100, disk_mib=20, processes=10))
    # 100 + 20 + 48 MiB, and 10 + 8 processes.
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "memory.max": "176160768", "memory.swap.max": "0", "pids.max": "18",
    }  # fmt: skip


def test_a_second_server_of_the_same_shell_shares_the_cgroups_of_the_first(tmp_path: Path) -> None:
    mounts = make_tree(tmp_path, "cpu memory pids")
    (tmp_path / "server").mkdir()
    cgroups = share_out(mounts, "0::/server\n")
    assert isinstance(cgroups, Cgroups)
    assert cgroups.folder == tmp_path


@needs_cgroups
def test_memory_that_no_process_counts_is_held_by_the_kernel(box: Box) -> None:
    # Pages of a pipe belong to no process, and 400 pipes of a megabyte are more than the cgroup's 128 MiB.
    fill = "import os, fcntl\nfor _ in range(120):\n    r, w = os.pipe()\n    fcntl.fcntl(w, 1031, 1 << 20)\n" \
        "    os.set_blocking(w, False)\n    os.write(w, bytes(1 << 20))\nimport time; time.sleep(3)"  # fmt: skip
    script = f"for n in 1 2 3 4; do python3 -c '{fill}' & done; for j in $(jobs -p); do wait $j || echo ended; done"
    result = box.run(script, 20)
    assert result.lost or "ended" in result.output


@needs_cgroups
def test_a_closed_box_leaves_no_cgroup() -> None:
    cgroups = find_cgroups()
    assert isinstance(cgroups, Cgroups)
    for _ in range(3):
        open_box(BoxSettings()).close()
    # What was busy at the close is removed with the next box.
    open_box(BoxSettings()).close()
    assert len(list(cgroups.folder.glob("box-*"))) <= 1
