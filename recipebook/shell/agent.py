r"""PID 1 of a box: reads scripts from its standard input, runs each with a new bash, and returns what it printed.

    in:   b"20.0 run 10\n" and b"ls -a /tmp"    seconds, run or judge, and the script's length in bytes
    out:  b"0 - 7\n" and b".\n..\na\n"          exit status, flags, and the output's length in bytes

The flags are letters: t, the time was up; c, the output was cut; l, the box is lost and the agent ends; j, the script
was to judge and does not count, since a program that it stands on has been replaced. A step ends
when its bash does: a daemon that holds the output open is not waited for. When the time is up, every process that
began during the step is killed, whatever it did to its session or its signals. The agent also watches how much memory
all processes have together; over the limit it kills them, and the box is lost.

The box's Python reads this module from a descriptor, so that no file of ours lies in the box. It comes as one text with
those that it takes from this project (rooting.py). Other imports are few, since every episode waits for them.
"""

import _ctypes

# The core of os: the rest of it takes a tenth of a box's start to import.
import posix as os
import select
import sys
import time

from recipebook.shell.agent_marks import JUDGES, SHADOWS, read_changes, read_marks
from recipebook.shell.agent_processes import (
    CHUNK,
    ROUNDS,
    has_children,
    kill_everything,
    kill_since,
    list_processes,
    reap,
    sum_memory,
)

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root", "USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8", "TERM": "dumb",
}  # fmt: skip
# Seconds: for output after a script's end, between two looks at memory.
GRACE, WATCH = 0.05, 0.2
SET_DUMPABLE, DROP_FROM_BOUNDING_SET, CAPABILITIES = 4, 24, 64
INTERRUPT = 2
MOST_DESCRIPTORS = 65536
# SIGPIPE and SIGXFSZ, which Python ignores; a script must not.
IGNORED = [13, 25]


class LostError(Exception):
    """The box cannot go on: its processes passed the memory limit, or none can be started any more."""


class Agent:
    """Runs one script after the other, within `memory` and `output` bytes."""

    def __init__(self, memory: int, output: int) -> None:
        self.memory = memory
        self.output = output
        self.watched = 0.0
        self.judges = read_marks(JUDGES)
        self.requests = open(os.dup(0), "rb")  # noqa: PTH123, SIM115
        self.replies = open(os.dup(1), "wb")  # noqa: PTH123, SIM115
        self.null = os.open("/dev/null", os.O_RDWR)
        # Opened before the process becomes undumpable, after which its files in /proc belong to nobody here.
        self.score = os.open("/proc/self/oom_score_adj", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(self.null, descriptor)
        close_others({self.requests.fileno(), self.replies.fileno(), self.null, self.score})

    def serve(self) -> None:
        """Answer until the other end closes; what daemons do between two scripts is watched too."""
        self._reply(0, "-", b"")
        try:
            while self._wait_for_request() and (head := self.requests.readline()):
                seconds, what, length = head.split()
                script = self.requests.read(int(length))
                take = self.judge if what == b"judge" else self.run
                self._reply(*take(script, float(seconds)))
        except LostError:
            kill_everything()
            self._reply(137, "l", b"")

    def run(self, script: bytes, seconds: float) -> tuple[int, str, bytes]:
        """One script: its exit status, the flags, the output."""
        before, end = list_processes(), time.monotonic() + seconds
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writing, True)
        try:
            child = self._start(script, writing)
        except (OSError, ValueError) as error:
            os.close(reading)
            return 126, "-", f"bash: {error}\n".encode()
        finally:
            os.close(writing)
        collected = Output(reading, child, self.output)
        status, late = self._follow(collected, child, before, end)
        collected.finish()
        return status, ("t" if late else "") + ("c" if collected.cut else "") or "-", bytes(collected.text)

    def judge(self, script: bytes, seconds: float) -> tuple[int, str, bytes]:
        """A script that decides, unless what it stands on was replaced before, or is while it runs."""
        if read_marks(JUDGES) == self.judges and not any(read_marks(SHADOWS)):
            before = read_changes()
            answer = self.run(script, seconds)
            if read_changes() == before:
                return answer
        return 126, "j", b""

    def _start(self, script: bytes, writing: int) -> int:
        arguments: list[str | bytes] = ["bash", "-c", script]
        files = [(os.POSIX_SPAWN_DUP2, self.null, 0), *((os.POSIX_SPAWN_DUP2, writing, to) for to in (1, 2))]
        for _ in range(ROUNDS):
            os.pwrite(self.score, b"1000", 0)
            try:
                return os.posix_spawn("/bin/bash", arguments, ENVIRONMENT, file_actions=files, setsid=True,
                                      setsigdef=IGNORED)  # fmt: skip
            except BlockingIOError:
                # A script before this one has used up the processes.
                kill_everything()
                reap()
                time.sleep(0.01)
            finally:
                os.pwrite(self.score, b"0", 0)
        raise LostError

    def _follow(self, collected: "Output", child: int, before: set[tuple[int, int]], end: float) -> tuple[int, bool]:
        """Wait for the child; its exit status, and whether it was ended because the time was up."""
        late = False
        while True:
            collected.read(max(0.0, min(WATCH, end - time.monotonic())))
            statuses = reap()
            if child in statuses:
                return statuses[child], late
            if time.monotonic() >= end:
                kill_since(before)
                return 124, True
            self._watch()

    def _wait_for_request(self) -> bool:
        while True:
            reap()
            wait = WATCH * 1000 if has_children() else None
            poll = select.poll()
            poll.register(self.requests, select.POLLIN)
            if poll.poll(wait):
                return True
            self._watch()

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self.watched >= WATCH:
            self.watched = now
            if sum_memory() > self.memory:
                raise LostError

    def _reply(self, status: int, flags: str, output: bytes) -> None:
        self.replies.write(f"{status} {flags} {len(output)}\n".encode() + output)
        self.replies.flush()


class Output:
    """What a script prints: the first `most` bytes of it; the rest is read, so that the script goes on, and dropped."""

    def __init__(self, reading: int, child: int, most: int) -> None:
        self.reading = reading
        self.most = most
        self.text = bytearray()
        self.cut = False
        self.ended = False
        self.exit = os.pidfd_open(child)
        self.poll = select.poll()
        self.poll.register(reading, select.POLLIN)
        self.poll.register(self.exit, select.POLLIN)

    def read(self, seconds: float) -> None:
        """Wait for output or the script's end, and take what is there."""
        self.poll.poll(seconds * 1000)
        self._take()

    def finish(self) -> None:
        """Take what is left, wait a moment for what background processes still print, and close."""
        self.poll.unregister(self.exit)
        os.close(self.exit)
        until = time.monotonic() + GRACE
        self._take()
        while not self.ended and (left := until - time.monotonic()) > 0:
            self.read(left)
        os.close(self.reading)

    def _take(self) -> None:
        try:
            chunk = b"" if self.ended else os.read(self.reading, CHUNK)
        except BlockingIOError:
            return
        if not chunk and not self.ended:
            self.ended = True
            self.poll.unregister(self.reading)
        room = self.most - len(self.text)
        self.text += chunk[:room]
        self.cut = self.cut or len(chunk) > room


def close_others(kept: set[int]) -> None:
    """Close what was inherited, this module's own text among it."""
    first = 3
    for descriptor in [*sorted(kept), MOST_DESCRIPTORS]:
        os.closerange(first, descriptor)
        first = max(first, descriptor + 1)


def protect(kept: set[int]) -> None:
    """Let no process of the box get other capabilities, or look into this one."""
    # The core of ctypes: the rest of it takes a third of a box's start to import.
    loaded = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]
    prctl, handle = (_ctypes.dlsym(loaded, name) for name in ("prctl", "signal"))
    for capability in range(CAPABILITIES):
        if capability not in kept:
            _ctypes.call_function(prctl, (DROP_FROM_BOUNDING_SET, capability, 0, 0, 0))
    if _ctypes.call_function(prctl, (SET_DUMPABLE, 0, 0, 0, 0)):
        raise OSError("prctl")
    # Python handles this one; inside, PID 1 gets no signal that it does not handle.
    _ctypes.call_function(handle, (INTERRUPT, 0))


def main() -> None:
    """Serve, with the limits and the capabilities that scripts keep given by the command line."""
    memory, output, *kept = map(int, sys.argv[1:])
    agent = Agent(memory, output)
    protect(set(kept))
    agent.serve()


if __name__ == "__main__":
    main()
