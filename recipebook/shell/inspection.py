"""Whether boxes hold on this machine: each attempt of attempts.py in a box, and a line about it.

inspect(BoxSettings())  →  Containment("connect to the machine's loopback", held=True, held_by="network namespace"), …
"""

import hashlib
import secrets
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.shell.attempts import ATTEMPTS, Escape
from recipebook.shell.box import Box, BoxError, BoxSettings, open_box

SUCCESS = "OUT"
# It leaves time to change a program while it runs.
FAILING_CHECK = "sleep 0.5; grep -q nothing /etc/hostname"
LEFT_BEHIND = "98765.4321"
AT_ONCE = 4
# Seconds in which the processes of a closed box must be gone.
GONE = 2.0
HOST_FILES = ["/etc/passwd", "/etc/shadow", "/etc/hostname", "/bin/bash", "/usr/bin/env", "/usr/bin/grep"]


class Containment(NamedTuple):
    """What became of an attempt."""

    name: str
    held: bool
    held_by: str


def inspect(settings: BoxSettings, quick: bool = False) -> Iterator[Containment]:
    """Make all attempts, or only those that need no waiting, each in a new box. UserError where none can be had."""
    try:
        yield from _inspect(settings, quick)
    except BoxError as error:
        raise UserError(f"shell tasks cannot run here, since no box can be had: {on_one_line(str(error))}") from None


def _inspect(settings: BoxSettings, quick: bool) -> Iterator[Containment]:
    before = hash_host_files()
    chosen = [attempt for attempt in ATTEMPTS if not (quick and (attempt.ends_box or attempt.seconds <= 2))]
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        names = prepare(stack)
        tried = pool.map(lambda attempt: _try(attempt, settings, names), chosen)
        for attempt, held in zip(chosen, tried, strict=True):
            yield Containment(attempt.name, held and _is_nothing_left(attempt), attempt.held_by)
    yield Containment("change the machine's files", hash_host_files() == before, "own root")


def hash_host_files() -> dict[str, str]:
    """What no box may change: some files of the machine by their hashes, as far as they can be read."""
    hashes = {}
    for path in map(Path, HOST_FILES):
        try:
            hashes[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            continue
    return hashes


def prepare(stack: ExitStack) -> dict[str, str]:
    """A secret file, a port and a socket of the machine, to be reached for."""
    token = secrets.token_hex(8)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    folder.chmod(0o755)
    (folder / "secret").write_text(token)
    port = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
    abstract.bind(f"\0{token}")
    abstract.listen()
    return {
        "@TOKEN@": token,
        "@SECRET@": str(folder / "secret"),
        "@PORT@": str(port.getsockname()[1]),
        "@SOCKET@": token,
    }


def format_script(attempt: Escape, names: dict[str, str]) -> str:
    """An attempt's script with the names of what is to be reached."""
    script = attempt.script
    for name, value in names.items():
        script = script.replace(name, value)
    return script


def _try(attempt: Escape, settings: BoxSettings, names: dict[str, str]) -> bool:
    """Whether a box holds an attempt."""
    script = format_script(attempt, names)
    with closing(open_box(settings)) as box:
        result = box.run(script, attempt.seconds)
        if result.lost:
            return attempt.ends_box
        held = SUCCESS not in result.output and len(result.output) <= settings.output_kib * 1024
        if attempt.after:
            held = held and SUCCESS not in box.run(attempt.after, 5).output
        if attempt.judged:
            held = held and box.judge(FAILING_CHECK, 5).status != 0
        return held and (attempt.judged or _is_alive(box))


def _is_alive(box: Box) -> bool:
    return box.run("echo alive", 5).output == "alive\n"


def _is_nothing_left(attempt: Escape) -> bool:
    """Whether no process of the closed box runs on this machine, if the attempt was to leave one."""
    until = time.monotonic() + GONE
    while LEFT_BEHIND in attempt.script and time.monotonic() < until:
        lines = [_read_command(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
        if not any(LEFT_BEHIND.encode() in line for line in lines):
            return True
        time.sleep(0.02)
    return LEFT_BEHIND not in attempt.script


def _read_command(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
