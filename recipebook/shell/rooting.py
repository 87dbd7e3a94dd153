"""What every box has at first, made once by the spawner: files, devices, the filter of calls, the agent's text.

    build_skeleton(own_base=False)  →  /sys/base with bin, etc/passwd, home, tmp, …; /sys/dev; /sys/filter; /sys/agent

All of it stands in the mount namespaces of the spawner and its children, where /sys, which no box has, makes room.
"""

import os
import platform
import shutil
from functools import cache
from pathlib import Path

from recipebook.shell import kernel
from recipebook.shell.seccomp import assemble

STAGE = Path("/sys")
SKELETON, USR_FOLDERS, BOX, OWN_BASE = STAGE / "base", STAGE / "usr", STAGE / "box", STAGE / "own"
FILTER, AGENT, DEVICES = STAGE / "filter", STAGE / "agent", STAGE / "dev"
PLAN, SPAWNER = STAGE / "plan", STAGE / "spawner"
# Read now: as another user, which the spawner becomes, this folder may be closed.
AGENT_TEXT, SPAWNER_TEXT = (
    "".join(Path(__file__).with_name(f"{name}.pl").read_text("utf-8") for name in names)
    for names in (("agent_processes", "agent"), ("spawner",))
)

FOLDERS = [
    "boot", "dev", "etc", "home", "media", "mnt", "opt", "proc", "run/lock", "srv", "usr", "var/backups", "var/cache",
    "var/lib", "var/local", "var/log", "var/mail", "var/opt", "var/spool/cron/crontabs",
]  # fmt: skip
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
DEVICE_NAMES = ["full", "null", "random", "tty", "urandom", "zero"]
DEVICE_LINKS = {
    "core": "/proc/kcore", "fd": "/proc/self/fd", "ptmx": "pts/ptmx",
    "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
}  # fmt: skip
NO_RIGHTS = kernel.NO_SUID | kernel.NO_DEVICES
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
    AGENT.write_text(AGENT_TEXT)
    SPAWNER.write_text(SPAWNER_TEXT)
    _build_devices()


def _build_devices() -> None:
    """/dev of all boxes, which only reads; bubblewrap would make another one for each box."""
    DEVICES.mkdir()
    kernel.mount("tmpfs", str(DEVICES), "tmpfs", NO_RIGHTS, "mode=755")
    for name in DEVICE_NAMES:
        (DEVICES / name).touch()
        kernel.mount(f"/dev/{name}", str(DEVICES / name), flags=kernel.BIND)
    for name, target in DEVICE_LINKS.items():
        (DEVICES / name).symlink_to(target)
    for name in ("shm", "pts"):
        (DEVICES / name).mkdir()
    kernel.mount("none", str(DEVICES), flags=kernel.BIND | kernel.REMOUNT | kernel.READ_ONLY | NO_RIGHTS)


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
