"""Attempts to get out of a box, or to take more than its share: scripts that print OUT where they succeed.

    ATTEMPTS[5]  →  Escape("connect to the machine's loopback", "python3 - <<'END' …", held_by="network namespace")

`@SECRET@` stands for a file of the machine that every user may read, with the word `@TOKEN@` in it; `@PORT@` and
`@SOCKET@` for a port and an abstract Unix socket on which somebody listens.
"""

import platform
from typing import NamedTuple

from recipebook.shell.seccomp import DENIED, MACHINES


class Escape(NamedTuple):
    """One attempt: what is tried, by which script, what must hold it, and how it is looked at."""

    name: str
    script: str
    held_by: str
    seconds: float = 10
    after: str = ""
    """A second script in the same box, which prints OUT if the first succeeded."""
    ends_box: bool = False
    """The box may be ended for it; after all other attempts it must still answer."""
    judged: bool = False
    """It has succeeded if a check that must fail passes afterwards."""


def _python(code: str) -> str:
    return f"python3 - <<'END' 2>/dev/null\nimport ctypes, fcntl, os, socket, time\n{code}\nEND"


def _any(*commands: str) -> str:
    """Commands of which none may succeed."""
    return "\n".join(f"{{ {command}; }} >/dev/null 2>&1 && echo OUT" for command in commands)


def _each(*codes: str) -> str:
    """Statements of Python of which none may succeed."""
    return _python("\n".join(f"try:\n    {code}\n    print('OUT')\nexcept OSError:\n    pass" for code in codes))


def _denied(*calls: str) -> str:
    """System calls that must fail with EPERM, and not for their senseless arguments."""
    machine = MACHINES.get(platform.machine(), MACHINES["x86_64"])
    numbers = [DENIED[call][machine.column] for call in calls]
    return _python(
        f"libc = ctypes.CDLL(None, use_errno=True)\nfor number in {numbers}:\n"
        "    if libc.syscall(number, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != 1:\n        print('OUT')"
    )


# 3 is the folder that is being listed.
_DESCRIPTORS = "any(int(name) > 3 for name in os.listdir('/proc/self/fd')) and print('OUT')"
_PTRACE = "ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0 and print('OUT')"
_CONNECT = "socket.create_connection(('{}', {}), 1)"
_CHROOT = """
os.makedirs('/tmp/c', exist_ok=True)
try:
    os.chroot('/tmp/c')
except OSError:
    pass
for _ in range(40):
    os.chdir('..')
os.path.exists('.@SECRET@') and print('OUT')"""
_FILES = """
made = 0
try:
    for made in range(60_000):
        open(f'{}/{{made}}', 'w').close()
except OSError:
    pass
made > 25_000 and print('OUT')"""
_TERMINALS = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
opened = []
try:
    for _ in range(100):
        opened.append(os.open('/dev/ptmx', os.O_RDWR))
except OSError:
    pass
len(opened) > 64 and print('OUT')"""
_DEEP = """
made = 0
try:
    for made in range(30_000):
        os.mkdir('x' * 255)
        os.chdir('x' * 255)
except OSError:
    pass
made > 25_000 and print('OUT')"""
_OTHER_SOCKETS = """
for family in set(range(3, 50)) - {10, 16}:
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind)
            print('OUT')
        except OSError:
            pass"""
_HOP = """
os.fork() and os._exit(0)
os.setsid()
while True:
    if os.fork():
        os._exit(0)
    time.sleep(0.001) # hop"""
_SWAP = """
printf '#!/bin/sh\\nexit 0\\n' > /tmp/f; chmod +x /tmp/f
setsid -f bash -c 'until pgrep -f "q [n]othing" > /tmp/seen; do :; done
mv /usr/bin/grep /tmp/g; cp /tmp/f /usr/bin/grep; sleep 1; mv /tmp/g /usr/bin/grep' > /tmp/log 2>&1"""
_HOG = "python3 -c 'x = b\"x\" * 300_000_000; import time; time.sleep(9)' &\n"
_SHARED = """
import mmap
for _ in range(4):
    if not os.fork():
        held = mmap.mmap(-1, 300_000_000)
        for at in range(0, 300_000_000, 4096):
            held[at] = 1
        time.sleep(9)
        os._exit(0)
time.sleep(4)
print('OUT')"""
_LIAR = (
    "echo 'void _exit(int); __attribute__((constructor)) void lie(void) { _exit(0); }' > /tmp/l.c\n"
    "gcc -shared -o /usr/lib/liar.so /tmp/l.c 2>/dev/null; echo /usr/lib/liar.so > /etc/ld.so.preload"
)
_FAKE = "printf '#!/bin/sh\\nexit 0\\n' > {0}/f; chmod +x {0}/f; mv {0}/f {0}/grep"
_SETUID = "useradd -m eve; cp /bin/bash /tmp/b; chmod 4755 /tmp/b; su eve -c '/tmp/b -p -c \"id -u\"' | grep -qx 0"

FILES, NETWORK, PROCESSES = "own root", "network namespace", "process namespace"
RIGHTS, CALLS, SHARES, JUDGING = "no capabilities", "filter of calls", "limits", "judge looks first"

ATTEMPTS = [
    Escape(
        "read a file of the machine", _any("grep -q @TOKEN@ @SECRET@", "grep -q @TOKEN@ /proc/1/root@SECRET@"), FILES
    ),
    Escape(
        "find keys, password hashes, the machine's id",
        _any(
            "ls -A /root/.ssh/*", "ls -A /home/*", "cut -d: -f2 /etc/shadow | grep -v '^[*!]'", "[ -s /etc/machine-id ]"
        ),
        FILES,
    ),
    Escape(
        "read the server's environment",
        _any(
            "cat /proc/1/environ | grep .",
            "env | grep -vE '^(PATH|HOME|USER|LOGNAME|TERM|PWD|SHLVL|_)=|^SHELL=/bin/bash$|^LC_CTYPE=C.UTF-8$'",
        ),
        PROCESSES,
    ),
    Escape("use inherited descriptors", _python(_DESCRIPTORS), PROCESSES),
    Escape("make the programs writable", "echo x >> /usr/bin/env\n" + _any("mount -o remount,rw /usr"), FILES),
    Escape("connect to the machine's loopback", _each(_CONNECT.format("127.0.0.1", "@PORT@")), NETWORK),
    Escape("connect to the internet", _each(_CONNECT.format("1.1.1.1", 443), _CONNECT.format("8.8.8.8", 53)), NETWORK),
    Escape("connect to an abstract socket", _each("socket.socket(1).connect(chr(0) + '@SOCKET@')"), NETWORK),
    Escape(
        "open raw, packet and vsock sockets",
        _each("socket.socket(2, 3, 1)", "socket.socket(17, 3, 3)", "socket.socket(40, 1)"),
        CALLS,
    ),
    Escape("kill everything and PID 1", "kill -9 1; kill -2 1; kill -9 -1", PROCESSES),
    Escape("trace PID 1, write its memory", _python(_PTRACE) + "\n" + _each("open('/proc/1/mem', 'r+b')"), PROCESSES),
    Escape("forge the agent's reply", _any("echo '0 - 0' > /proc/1/fd/1", "ls /proc/1/fd/*"), PROCESSES),
    Escape(
        "mount and unmount",
        _any("mount -t tmpfs x /mnt", "mount --bind / /mnt", "mount -t proc x /mnt", "umount /proc", "umount -l /dev"),
        RIGHTS,
    ),
    Escape("make a namespace in the box", _any("unshare -U true", "unshare -m true", "unshare -Urm true"), CALLS),
    Escape(
        "make and open devices",
        _any("mknod /tmp/b b 8 0", "mknod /tmp/m c 1 1", "head -c1 /dev/mem", "head -c1 /dev/kmsg"),
        RIGHTS,
    ),
    Escape("break out of a chroot", _python(_CHROOT), CALLS),
    Escape(
        "write the kernel's settings",
        _any(
            *(f"echo x > /proc/{name}" for name in ("sys/kernel/core_pattern", "sysrq-trigger", "sys/kernel/hostname"))
        ),
        RIGHTS,
    ),
    Escape(
        "reach /sys and a release agent", _any("ls /sys/kernel", "mount -t cgroup x /mnt", "ls /sys/fs/cgroup"), FILES
    ),
    Escape("become root by a setuid program", _any(_SETUID), RIGHTS),
    Escape("enter PID 1's namespaces", _any("nsenter -t 1 -m true", "nsenter -t 1 -p true"), CALLS),
    Escape("open files by handle", _denied("name_to_handle_at", "open_by_handle_at"), CALLS),
    Escape("read the kernel's log", _any("dmesg | grep ."), RIGHTS),
    Escape("use the kernel's keyring", _denied("add_key", "keyctl", "request_key"), CALLS),
    Escape("load a program into the kernel", _denied("bpf"), CALLS),
    Escape("use io_uring and userfaultfd", _denied("io_uring_setup", "userfaultfd"), CALLS),
    Escape("measure other processes", _denied("perf_event_open", "process_vm_readv", "kcmp"), CALLS),
    Escape("type into a terminal", _any("true <> /dev/tty") + "\n" + _each("fcntl.ioctl(0, 0x5412, b'x')"), CALLS),
    Escape("multiply without end", ":(){ :|:& };:\nsleep 9", SHARES, seconds=2),
    Escape(
        "fill the disk",
        "for n in 1 2 3 4 5; do head -c 30M /dev/zero > /f$n; done 2>/dev/null\n"
        + _any("[ $(cat /f* | wc -c) -gt 80000000 ]"),
        SHARES,
    ),
    Escape("fill /dev", _any("head -c 20M /dev/zero > /dev/x", "head -c 20M /dev/zero > /dev/shm/x"), SHARES),
    Escape("make files without end", _python(_FILES.format("/tmp")), SHARES),
    Escape("take memory in one process", _python("bytearray(3 << 30) and print('OUT')"), SHARES),
    Escape(
        "take memory in many", 5 * _HOG + "sleep 4\n" + _any("[ $(pgrep -c python3) -gt 5 ]"), SHARES, ends_box=True
    ),
    Escape("leave System V memory behind", _denied("shmget", "msgget", "semget"), CALLS),
    Escape("take memory without a file", _denied("memfd_create") + "\n" + _python(_SHARED), SHARES, ends_box=True),
    Escape("print without end", "yes", SHARES, seconds=1),
    Escape(
        "outlive the time limit",
        "trap '' TERM; setsid -f bash -c 'trap \"\" TERM HUP; while :; do :; done # burn'; sleep 9",
        SHARES,
        seconds=1,
        after=_any("pgrep -f '[b]urn'"),
    ),
    Escape("take a higher priority", _each("os.nice(-10)", "os.sched_setscheduler(0, 1, os.sched_param(9))"), RIGHTS),
    Escape("link to a file outside", _any("ln @SECRET@ /tmp/x", "ln -s / /tmp/r && cat /tmp/r@SECRET@"), FILES),
    Escape("set clock and name, reboot", _any("date -s 2001-01-01", "hostname x", "reboot -f"), RIGHTS),
    Escape("leave a daemon behind", "setsid -f sleep 98765.4321", PROCESSES),
    Escape("make the check lie by a library", _LIAR, JUDGING, judged=True),
    Escape("make the check lie by a program", _FAKE.format("/usr/local/bin"), JUDGING, judged=True),
    Escape("replace a program that checks use", "rm /usr/bin/grep\n" + _FAKE.format("/usr/bin"), JUDGING, judged=True),
    Escape("replace a program while the check runs", _SWAP, JUDGING, judged=True),
    Escape(
        "look through /proc at PID 1",
        _any(*(f"cat /proc/1/{name} | grep ." for name in ("maps", "auxv", "stack", "syscall", "task/1/environ")))
        + "\n"
        + _any(*(f"ls /proc/1/{name}/" for name in ("cwd", "root", "task/1/root", "map_files", "ns/mnt"))),
        PROCESSES,
    ),
    Escape(
        "map ids anew",
        _any(
            *(f"echo '{line}' > /proc/self/{name}_map" for line in ("0 0 1", "0 0 65536") for name in ("uid", "gid")),
            "echo allow > /proc/self/setgroups",
            "echo 9 > /proc/sys/user/max_user_namespaces",
        ),
        RIGHTS,
    ),
    Escape("send PID 1 every signal", "for n in {1..64}; do kill -$n 1; done 2>/dev/null", PROCESSES),
    Escape(
        "lower PID 1's limits",
        _any(*(f"prlimit --pid 1 --{name}=5" for name in ("nofile", "nproc", "cpu", "fsize", "as"))),
        CALLS,
    ),
    Escape(
        "raise its own limits",
        _any(*(f"ulimit -H{letter} unlimited" for letter in "cfuv"), "ulimit -Hn 4096", "ulimit -c 1"),
        RIGHTS,
    ),
    Escape("take all terminals", _python(_TERMINALS), SHARES),
    Escape("make files without end in /dev/shm", _python(_FILES.format("/dev/shm")), SHARES),
    Escape(
        "make a file of a terabyte",
        _any("truncate -s 1T /f", "fallocate -l 1T /f", "dd if=/dev/zero of=/dev/shm/f bs=1 count=1 seek=1T"),
        SHARES,
    ),
    Escape("nest folders without end", "mkdir /srv/x; cd /srv/x\n" + _python(_DEEP), SHARES),
    Escape(
        "leave pipes and sockets in place of files",
        "mkfifo /srv/p /usr/local/bin/ls; mkfifo /tmp/p; (echo x > /tmp/p &)\n"
        + _python("socket.socket(1).bind('/srv/s')"),
        PROCESSES,
    ),
    Escape("print terminal codes without end", "yes $'\\e]0;x\\a\\e[2J\\e[8m\\r'", SHARES, seconds=1),
    Escape(
        "flee the time limit from process to process",
        "(" + _python(_HOP) + ")\nsleep 9",
        SHARES,
        seconds=1,
        after=_any("pgrep -f '^python3 -$'"),
    ),
    Escape(
        "use the newer calls that mount",
        _denied("fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr"),
        CALLS,
    ),
    Escape("open sockets of all other kinds", _python(_OTHER_SOCKETS), CALLS),
    Escape("set the clock by calls", _denied("clock_settime", "settimeofday", "adjtimex", "clock_adjtime"), CALLS),
]
