"""The attempts to get out: each is held in a box, by root and by ordinary users, and some are seen to work outside."""

import os
import subprocess
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import pytest

from recipebook.shell.attempts import ATTEMPTS
from recipebook.shell.box import BoxSettings
from recipebook.shell.inspection import format_script, inspect, prepare
from tests.recipebook.shell.boxes import needs_boxes

ROOT = Path(__file__).parents[3]
PYTHON = Path("/usr/bin/python3")
NUMBER = 45_678
# With files of its own in the places of the machine's, setpriv's user has a name and perhaps ids.
AS_USER = """
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/ids /etc/subuid
mount --bind {folder}/ids /etc/subgid
exec setpriv --reuid {number} --regid {number} --clear-groups env HOME=/tmp PYTHONPATH={path} \
    PYTHONDONTWRITEBYTECODE=1 {python} -c "$1"
"""
NOT_HELD = """
from recipebook.shell.box import BoxSettings, open_box
from recipebook.shell.inspection import inspect
print([trial.name for trial in inspect(BoxSettings()) if not trial.held])
box = open_box(BoxSettings())
print(box.run("cut -c22- /proc/self/uid_map", 5).output.split()[-1])
"""
# Harmless where nothing holds them, and possible for every user.
POSSIBLE = [
    "read a file of the machine", "connect to the machine's loopback", "connect to an abstract socket",
    "leave System V memory behind",
]  # fmt: skip


@needs_boxes
def test_a_box_holds_every_attempt() -> None:
    assert [trial.name for trial in inspect(BoxSettings()) if not trial.held] == []


@pytest.mark.parametrize("name", POSSIBLE)
def test_the_attempts_succeed_where_no_box_holds_them(name: str) -> None:
    (attempt,) = [attempt for attempt in ATTEMPTS if attempt.name == name]
    with ExitStack() as stack:
        script = format_script(attempt, prepare(stack))
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd="/")
    assert "OUT" in done.stdout


@needs_boxes
@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("ids", "count"), [("boxer:300000:65536\n", "65536"), ("", "1")])
def test_an_ordinary_users_box_holds_every_attempt(tmp_path: Path, ids: str, count: str) -> None:
    for file in ("/etc/subuid", "/etc/subgid"):
        Path(file).touch()
    tmp_path.chmod(0o755)
    (tmp_path / "ids").write_text(ids)
    entry = f"boxer:x:{NUMBER}:{NUMBER}::/tmp:/bin/sh\n"
    (tmp_path / "passwd").write_text(Path("/etc/passwd").read_text() + entry)
    path = f"{ROOT}:{sysconfig.get_path('purelib')}"
    script = AS_USER.format(folder=tmp_path, number=NUMBER, path=path, python=PYTHON)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", script, "sh", NOT_HELD],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["[]", count], done.stderr
