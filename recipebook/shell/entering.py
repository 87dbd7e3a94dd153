"""How a box comes to be, from a copy of the spawner to bubblewrap with the agent in it: a plan that spawner.pl follows.

    format_plan()  →  "mount\ttmpfs\t/sys/box\ttmpfs\t6\tsize={disk},…\\nfolder\t/sys/box/upper\\n…"

A step a line, its words between tabs, with the names of limits in braces, as bwrap.py sends them.
"""

import platform
import resource
from collections.abc import Iterator
from pathlib import Path

from recipebook.shell import kernel
from recipebook.shell.rooting import AGENT, BOX, DEVICES, FILTER, OWN_BASE, SKELETON, USR_FOLDERS, list_program_folders

PERL = "/usr/bin/perl"
ALL_IDS = 65536
MOST_NAMESPACES = "/proc/sys/user/max_user_namespaces"
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

LIMITS = {
    resource.RLIMIT_AS: "{address_space}",
    resource.RLIMIT_FSIZE: "{file}",
    resource.RLIMIT_NOFILE: "{open_files}",
    resource.RLIMIT_CORE: "0",
}

Step = tuple[object, ...]


def format_plan() -> str:
    """The steps of every box, once the files that all begin with are there."""
    return "".join("\t".join(map(str, step)) + "\n" for step in _plan())


def _plan() -> Iterator[Step]:
    yield from _plan_root()
    yield from _plan_shared()
    yield from (("limit", kind, most) for kind, most in LIMITS.items())
    yield from (("open", file, number) for file, number in PASSED_ON.items())
    yield ("become", "{bwrap}", *_build_command())


def _plan_root() -> Iterator[Step]:
    """The box's root: the base, below a layer that takes what is written."""
    size = "size={disk},nr_inodes={files},mode=755"
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
    return "mount", source, target, kind, flags, options


def _make_folder(path: Path) -> Step:
    return "folder", path


def _build_command() -> list[str]:
    return [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--new-session", "--die-with-parent", "--as-pid-1", "--hostname", "box", "--clearenv", "--cap-drop", "ALL",
        *(word for name in (*CAPABILITIES, SETPCAP) for word in ("--cap-add", f"CAP_{name}")),
        # Devices are those of /dev: the other file systems of the root were mounted without.
        "--dev-bind", str(BOX / "root"), "/", "--proc", "/proc", "--chdir", "/", "--seccomp", str(PASSED_ON[FILTER]),
        "--", PERL, f"/dev/fd/{PASSED_ON[AGENT]}", platform.machine(), "{memory}", "{output}",
        *map(str, CAPABILITIES.values()),
    ]  # fmt: skip
