"""A box from the inside of its first process: its ids, its files, its limits, and bubblewrap at the end.

    plan_box((("disk", 67108864), …))  →  Plan(steps=[partial(mount, "tmpfs", "/sys/box", …), …], …)
    enter_box(plan, [5, 6], …)         →  this process becomes bwrap, and in it the agent

The plan is made once: a process of Python that was just forked copies each page that it touches, so it does little.
"""

import os
import platform
import resource
import socket
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from recipebook.shell import kernel
from recipebook.shell.rooting import AGENT, BOX, DEVICES, FILTER, OWN_BASE, SKELETON, USR_FOLDERS, list_program_folders

PERL = "/usr/bin/perl"
ALL_IDS = 65536
MOST_NAMESPACES = "/proc/sys/user/max_user_namespaces"
DESCRIPTORS = 65536
# What bubblewrap and the agent read, by descriptors that they inherit; they have no other way to it.
PASSED_ON = {FILTER: 10, AGENT: 11}

# chown, dac_override, fowner, fsetid, kill, setgid, setuid: what root of a machine without hardware works with.
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7}
# To take all other capabilities away from what it starts, the agent needs this one.
SETPCAP = "SETPCAP"

LOCAL_FOLDERS = ["bin", "etc", "games", "include", "lib", "sbin", "share", "src"]
SHM_BYTES, SHM_FILES = 8 * 2**20, 1000
# All boxes of a machine share its few thousand.
MOST_TERMINALS = 64

Step = Callable[[], object]


class Plan(NamedTuple):
    """How boxes within the same limits are made."""

    processes: int
    steps: list[Step]
    """The files: folders and mounts in their order."""
    limits: dict[int, int]
    """What a process may have, by the kernel's numbers."""
    program: str
    command: list[str]


@cache
def plan_box(limits: tuple[tuple[str, Any], ...]) -> Plan:
    """The plan of boxes within limits, which are named as bwrap.py sends them."""
    most = dict(limits)
    return Plan(
        processes=most["processes"],
        steps=[*_plan_root(most), *_plan_shared()],
        limits={
            resource.RLIMIT_AS: most["address_space"],
            resource.RLIMIT_FSIZE: most["file"],
            resource.RLIMIT_NOFILE: most["open_files"],
            resource.RLIMIT_CORE: 0,
        },
        program=most["bwrap"],
        command=_build_command(most["memory"], most["output"]),
    )


def enter_box(plan: Plan, descriptors: list[int], parent: socket.socket, ids: int, owner: int) -> NoReturn:
    """Become a box; why that fails is written where the agent would write."""
    requests, replies, *cgroup = descriptors
    try:
        for entry in cgroup:
            # 0 is the process that writes. Whoever opened the file may move it there.
            os.write(entry, b"0")
        for source, target in ((requests, 0), (replies, 1), (replies, 2)):
            os.dup2(source, target)
        _take_ids(plan.processes, parent, ids, owner)
        os.closerange(3, DESCRIPTORS)
        os.umask(0o022)
        for step in plan.steps:
            step()
        for kind, most in plan.limits.items():
            resource.setrlimit(kind, (most, most))
        for file, number in PASSED_ON.items():
            os.dup2(os.open(file, os.O_RDONLY), number)
        _become(plan.program, plan.command)
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    finally:
        os._exit(1)


def _take_ids(processes: int, parent: socket.socket, ids: int, owner: int) -> None:
    """Take a user namespace, in which the ids are those of the spawner's."""
    if ids == ALL_IDS:
        # The limit that holds when a namespace is made counts all of its users together.
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        kernel.become(owner)
    kernel.unshare(kernel.NEW_USER | kernel.NEW_MOUNTS)
    parent.send(b"m")
    parent.recv(1)
    if ids == ALL_IDS:
        kernel.become(0)
    else:
        _write("/proc/self/setgroups", b"deny")
        for kind in ("uid", "gid"):
            _write(f"/proc/self/{kind}_map", b"0 0 1")
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        # Where ids are many, the spawner has limited each box's owner to the one above.
        _write(MOST_NAMESPACES, b"0")


def _become(program: str, command: list[str]) -> NoReturn:
    try:
        os.execv(program, command)
    except OSError as error:
        raise OSError(error.errno, error.strerror, program) from None


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, value)
    os.close(descriptor)


def _plan_root(most: dict[str, Any]) -> Iterator[Step]:
    """The box's root: the base, below a layer that takes what is written."""
    size = f"size={most['disk']},nr_inodes={most['files']},mode=755"
    yield _mount("tmpfs", BOX, "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, size)
    yield from (_make_folder(BOX / name) for name in ("upper", "work", "root"))
    own_base = OWN_BASE.exists()
    yield _overlay(f"{SKELETON}:{OWN_BASE}" if own_base else f"{SKELETON}", BOX / "upper", BOX / "work", BOX / "root")
    if not own_base:
        yield from _plan_programs(BOX / "root")


def _plan_programs(root: Path) -> Iterator[Step]:
    """This machine's /usr, writable by a layer too, and a /usr/local without anything of this machine's."""
    yield from (_make_folder(BOX / name) for name in ("usr", "usrwork", "local"))
    yield from (_make_folder(BOX / "local" / name) for name in LOCAL_FOLDERS)
    yield _overlay(f"{USR_FOLDERS}:/usr", BOX / "usr", BOX / "usrwork", root / "usr")
    yield _mount(BOX / "local", root / "usr/local", flags=kernel.BIND)
    for folder in list_program_folders():
        if not folder.is_symlink():
            yield _make_folder(root / folder.name)
            yield _mount(folder, root / folder.name, flags=kernel.BIND)


def _plan_shared() -> Iterator[Step]:
    """/dev, and in it what each box has of its own, with limits that bubblewrap would not set."""
    devices = BOX / "root/dev"
    yield _mount(DEVICES, devices, flags=kernel.BIND | kernel.RECURSIVE)
    memory = f"size={SHM_BYTES},nr_inodes={SHM_FILES},mode=1777"
    yield _mount("tmpfs", devices / "shm", "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, memory)
    terminals = f"newinstance,ptmxmode=0666,mode=620,max={MOST_TERMINALS}"
    yield _mount("devpts", devices / "pts", "devpts", kernel.NO_SUID | kernel.NO_PROGRAMS, terminals)


def _overlay(lower: str, upper: Path, work: Path, target: Path) -> Step:
    options = f"userxattr,lowerdir={lower},upperdir={upper},workdir={work}"
    return _mount("overlay", target, "overlay", kernel.NO_SUID | kernel.NO_DEVICES, options)


def _mount(source: Path | str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> Step:
    return partial(kernel.mount, str(source), str(target), kind, flags, options)


def _make_folder(path: Path) -> Step:
    return partial(os.mkdir, str(path))


def _build_command(memory: int, output: int) -> list[str]:
    return [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--new-session", "--die-with-parent", "--as-pid-1", "--hostname", "box", "--clearenv", "--cap-drop", "ALL",
        *(word for name in (*CAPABILITIES, SETPCAP) for word in ("--cap-add", f"CAP_{name}")),
        # Devices are those of /dev: the other file systems of the root were mounted without.
        "--dev-bind", str(BOX / "root"), "/", "--proc", "/proc", "--chdir", "/", "--seccomp", str(PASSED_ON[FILTER]),
        "--", PERL, f"/dev/fd/{PASSED_ON[AGENT]}", platform.machine(), str(memory), str(output),
        *map(str, CAPABILITIES.values()),
    ]  # fmt: skip
