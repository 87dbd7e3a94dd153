"""A box from the inside of its first process: its ids, its files, its limits, and bubblewrap at the end.

    build_skeleton(…)         →  /sys/base with bin, etc/passwd, home, tmp, …: what every box has at first
    enter_box({…}, [5, 6], …) →  this process becomes bwrap, and in it the agent

All of it happens in mount namespaces of the spawner and its children, where /sys, which no box has, makes room.
"""

import os
import platform
import re
import resource
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from recipebook.shell import kernel
from recipebook.shell.seccomp import assemble

STAGE = Path("/sys")
SKELETON, USR_FOLDERS, BOX, OWN_BASE = STAGE / "base", STAGE / "usr", STAGE / "box", STAGE / "own"
FILTER, AGENT = STAGE / "filter", STAGE / "agent"
# The agent's modules, each with what the next ones stand on.
AGENT_MODULES = ("agent_processes", "agent_marks", "agent")
# Read now: as another user, which the spawner becomes, this folder may be closed.
AGENT_TEXTS = [Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in AGENT_MODULES]
OWN_IMPORT = re.compile(r"^from recipebook\.\S+ import (\([^)]*\)|.*)\n", re.MULTILINE)
# As Python writes a .pyc: its magic number, three words that are only for files with a source, the code.
COMPILE = """
import importlib.util, marshal, sys
code = compile(sys.stdin.buffer.read(), "agent", "exec")
sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code))
"""
PYTHON = "/usr/bin/python3"
ALL_IDS = 65536
DESCRIPTORS = 65536

# chown, dac_override, fowner, fsetid, kill, setgid, setuid: what root of a machine without hardware works with.
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7}
# To take all other capabilities away from what it starts, the agent needs this one.
SETPCAP = "SETPCAP"

FOLDERS = [
    "boot", "dev", "etc", "home", "media", "mnt", "opt", "proc", "run/lock", "srv", "usr", "var/backups", "var/cache",
    "var/lib", "var/local", "var/log", "var/mail", "var/opt", "var/spool/cron/crontabs",
]  # fmt: skip
LOCAL_FOLDERS = ["bin", "etc", "games", "include", "lib", "sbin", "share", "src"]
# Of /etc only what every user of the machine may read, and of that what programs need.
ETC = [
    "adduser.conf", "alternatives", "debian_version", "default/useradd", "deluser.conf", "host.conf", "ld.so.cache",
    "ld.so.conf", "ld.so.conf.d", "login.defs", "magic", "mime.types", "os-release", "pam.conf", "pam.d", "protocols",
    "security", "services", "shells", "skel", "vim",
]  # fmt: skip
LARGEST_SYSTEM_ID, NOBODY = 99, 65534
WRITTEN = {
    "etc/hostname": "box\n",
    "etc/hosts": "127.0.0.1 localhost box\n::1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files\n",
    "etc/profile": "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
}
# A base that was made on this machine has the machine's name and the address of its name server.
OF_OWN_BASE = {
    **{name: WRITTEN[name] for name in ("etc/hostname", "etc/hosts", "etc/nsswitch.conf")},
    "etc/resolv.conf": "",
    "etc/machine-id": "",
}
SHM_BYTES, SHM_FILES = 8 * 2**20, 1000
# All boxes of a machine share its few thousand.
MOST_TERMINALS = 64
SKELETON_BYTES = 16 * 2**20


def build_skeleton(own_base: bool) -> None:
    """Make the files that all boxes begin with.

    They are of this machine's where every user may read them. With `own_base` the working directory is the root of a
    Linux of its own, which needs little besides.
    """
    kernel.mount("none", "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    kernel.mount("tmpfs", str(STAGE), "tmpfs", options=f"size={SKELETON_BYTES},mode=755")
    BOX.mkdir()
    FILTER.write_bytes(assemble(platform.machine()))
    if own_base:
        OWN_BASE.mkdir()
        kernel.mount(".", str(OWN_BASE), flags=kernel.BIND)
        _write(OF_OWN_BASE)
    else:
        _build_skeleton_of_host()
    AGENT.write_bytes(_compile_agent(own_base))


def _compile_agent(own_base: bool) -> bytes:
    """The agent as code of the box's Python, which would compile it for each box anew."""
    command = [PYTHON, "-I", "-S", "-c", COMPILE]
    inside = ["chroot", str(OWN_BASE), *command] if own_base else command
    return subprocess.run(inside, input=_join_agent().encode(), stdout=subprocess.PIPE, check=True).stdout


def _join_agent() -> str:
    """The agent's modules as one, since a box has nothing of this project's to import."""
    return OWN_IMPORT.sub("", "\n".join(AGENT_TEXTS))


def _build_skeleton_of_host() -> None:
    for name in FOLDERS:
        (SKELETON / name).mkdir(parents=True)
    for name, mode in {"tmp": 0o1777, "var/tmp": 0o1777, "root": 0o700}.items():
        (SKELETON / name).mkdir()
        (SKELETON / name).chmod(mode)
    (SKELETON / "var/run").symlink_to("/run")
    for folder in list_program_folders():
        if folder.is_symlink():
            (SKELETON / folder.name).symlink_to(folder.readlink())
    for name in ETC:
        _copy(Path("/etc", name), SKELETON / "etc" / name)
    _write({**WRITTEN, **_list_accounts()})
    (SKELETON / "etc/shadow").chmod(0o640)
    for inner in Path("/usr").iterdir():
        if inner.is_dir() and not inner.is_symlink():
            (USR_FOLDERS / inner.name).mkdir(parents=True)


@cache
def list_program_folders() -> list[Path]:
    """/bin, /sbin, /lib and their like: links into /usr on most machines; found once, before boxes are."""
    return [*Path("/").glob("*bin"), *Path("/").glob("lib*")]


def _write(files: dict[str, str]) -> None:
    for name, text in files.items():
        (SKELETON / name).parent.mkdir(parents=True, exist_ok=True)
        (SKELETON / name).write_text(text)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, a link or a folder as far as every user may read it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir(exist_ok=True)
        for inner in source.iterdir():
            _copy(inner, target / inner.name)
    elif source.is_file() and os.access(source, os.R_OK):
        shutil.copyfile(source, target)


def _list_accounts() -> dict[str, str]:
    """The accounts that every Debian has, without passwords, as `/etc/passwd` and its neighbours."""
    users = [line.split(":") for line in Path("/etc/passwd").read_text().splitlines()]
    groups = [line.split(":") for line in Path("/etc/group").read_text().splitlines()]
    users, groups = ([row for row in rows if _is_of_system(row)] for rows in (users, groups))
    return {
        "etc/passwd": "".join(":".join(row) + "\n" for row in users),
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, _, number, *_ in groups),
        "etc/shadow": "".join(f"{name}:*:20000:0:99999:7:::\n" for name, *_ in users),
        "etc/gshadow": "".join(f"{name}:*::\n" for name, *_ in groups),
    }


def _is_of_system(row: list[str]) -> bool:
    return len(row) > 2 and row[2].isdecimal() and (int(row[2]) <= LARGEST_SYSTEM_ID or int(row[2]) == NOBODY)


def enter_box(limits: dict[str, Any], descriptors: list[int], parent: socket.socket, ids: int, owner: int) -> NoReturn:
    """Become a box; why that fails is written where the agent would write."""
    requests, replies, *cgroup = descriptors
    try:
        for entry in cgroup:
            # 0 is the process that writes. Whoever opened the file may move it there.
            os.write(entry, b"0")
        for source, target in ((requests, 0), (replies, 1), (replies, 2)):
            os.dup2(source, target)
        _take_ids(limits["processes"], parent, ids, owner)
        os.closerange(3, DESCRIPTORS)
        os.umask(0o022)
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        root = _mount_root(limits)
        _set_limits(limits)
        os.execv(limits["bwrap"], _build_command(root, limits))
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
        Path("/proc/self/setgroups").write_text("deny")
        for kind in ("uid", "gid"):
            Path(f"/proc/self/{kind}_map").write_text("0 0 1")
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def _mount_root(limits: dict[str, Any]) -> str:
    """The box's root: the base, below a layer that takes what is written."""
    size = f"size={limits['disk']},nr_inodes={limits['files']},mode=755"
    kernel.mount("tmpfs", str(BOX), "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, size)
    root = BOX / "root"
    for name in ("upper", "work", "root"):
        (BOX / name).mkdir()
    if OWN_BASE.exists():
        _overlay(f"{SKELETON}:{OWN_BASE}", BOX / "upper", BOX / "work", root)
    else:
        _overlay(f"{SKELETON}", BOX / "upper", BOX / "work", root)
        _mount_programs(root)
    _mount_shared()
    return str(root)


def _mount_shared() -> None:
    """What bubblewrap would make without a limit of files or of terminals."""
    for name in ("shm", "pts"):
        (BOX / name).mkdir()
    memory = f"size={SHM_BYTES},nr_inodes={SHM_FILES},mode=1777"
    kernel.mount("tmpfs", str(BOX / "shm"), "tmpfs", kernel.NO_SUID | kernel.NO_DEVICES, memory)
    terminals = f"newinstance,ptmxmode=0666,mode=620,max={MOST_TERMINALS}"
    kernel.mount("devpts", str(BOX / "pts"), "devpts", kernel.NO_SUID | kernel.NO_PROGRAMS, terminals)


def _mount_programs(root: Path) -> None:
    """This machine's /usr, writable by a layer too, and a /usr/local without anything of this machine's."""
    for name in ("usr", "usrwork", "local"):
        (BOX / name).mkdir()
    for name in LOCAL_FOLDERS:
        (BOX / "local" / name).mkdir()
    _overlay(f"{USR_FOLDERS}:/usr", BOX / "usr", BOX / "usrwork", root / "usr")
    kernel.mount(str(BOX / "local"), str(root / "usr/local"), flags=kernel.BIND)
    for folder in list_program_folders():
        if not folder.is_symlink():
            (root / folder.name).mkdir()
            kernel.mount(str(folder), str(root / folder.name), flags=kernel.BIND)


def _overlay(lower: str, upper: Path, work: Path, target: Path) -> None:
    options = f"userxattr,lowerdir={lower},upperdir={upper},workdir={work}"
    kernel.mount("overlay", str(target), "overlay", kernel.NO_SUID | kernel.NO_DEVICES, options)


def _set_limits(limits: dict[str, Any]) -> None:
    for kind, most in {
        resource.RLIMIT_AS: limits["address_space"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }.items():
        resource.setrlimit(kind, (most, most))


def _build_command(root: str, limits: dict[str, Any]) -> list[str]:
    program, agent = _pass_on(FILTER), _pass_on(AGENT)
    return [
        "bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
        "--new-session", "--die-with-parent", "--as-pid-1", "--hostname", "box", "--clearenv", "--cap-drop", "ALL",
        *(word for name in (*CAPABILITIES, SETPCAP) for word in ("--cap-add", f"CAP_{name}")),
        "--bind", root, "/", "--dev", "/dev", "--proc", "/proc",
        "--bind", str(BOX / "shm"), "/dev/shm", "--dev-bind", str(BOX / "pts"), "/dev/pts", "--remount-ro", "/dev",
        "--chdir", "/", "--seccomp", str(program),
        "--", PYTHON, "-I", "-S", f"/dev/fd/{agent}", str(limits["memory"]), str(limits["output"]),
        *map(str, CAPABILITIES.values()),
    ]  # fmt: skip


def _pass_on(file: Path) -> int:
    """Open a file for the programs to come, which inherit it and have no other way to it."""
    descriptor = os.open(file, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    return descriptor
