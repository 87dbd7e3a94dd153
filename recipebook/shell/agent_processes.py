"""The processes of a box as its agent sees them, and how it ends them; a part of what agent.py is sent with.

list_processes()      →  {(7, 118034), (9, 118041)}: numbers, and the times of their start
sum_memory()          →  52428800
kill_since(before)    kills every process that is not in `before`
"""

# The core of os: the rest of it takes a tenth of a box's start to import.
import posix as os
import time

# Seconds for killed processes to go.
DYING = 5.0
ROUNDS = 50
CHUNK = 65536
KILL = 9


def reap() -> dict[int, int]:
    """Exit statuses of all children, also adopted ones, that have ended; 128 and the signal for those killed."""
    statuses = {}
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            code = os.waitstatus_to_exitcode(ended[1])
            statuses[ended[0]] = code if code >= 0 else 128 - code
    except ChildProcessError:
        pass
    return statuses


def has_children() -> bool:
    """Whether any process but this one is left: orphans are adopted, so all others descend from a child."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def list_processes() -> set[tuple[int, int]]:
    """All living processes but this one, with the times of their start, since numbers come again."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdecimal() and name != "1" and (stat := read_proc(name, "stat")):
            fields = stat.rpartition(b")")[2].split()
            if fields[0] not in (b"Z", b"X"):
                found.add((int(name), int(fields[19])))
    return found


def sum_memory() -> int:
    """Bytes of memory of all processes: their own pages and those that they share without a file."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdecimal() and name != "1":
            for line in read_proc(name, "status").splitlines():
                if line.startswith((b"RssAnon:", b"RssShmem:")):
                    total += int(line.split()[1]) * 1024
    return total


def read_proc(name: str, file: str) -> bytes:
    """A process's file; empty if it has gone."""
    try:
        descriptor = os.open(f"/proc/{name}/{file}", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, CHUNK)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def kill_since(before: set[tuple[int, int]]) -> None:
    """Kill every process that is not among those of `before`; all of them where they multiply too fast."""
    killed: set[tuple[int, int]] = set()
    rounds, until = 0, time.monotonic() + DYING
    while rounds < ROUNDS and time.monotonic() < until:
        reap()
        new = list_processes() - before
        if not new:
            return
        rounds += not new <= killed
        for process, _ in new - killed:
            kill(process)
        killed |= new
        time.sleep(0.001)
    kill_everything()
    reap()


def kill_everything() -> None:
    """Kill all processes but this one."""
    kill(-1)


def kill(process: int) -> None:
    """Kill a process, unless it has gone."""
    try:  # noqa: SIM105 (contextlib takes as long to import as everything else here)
        os.kill(process, KILL)
    except ProcessLookupError:
        pass
