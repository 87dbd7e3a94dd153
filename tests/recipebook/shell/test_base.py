"""The base debian: how it is made or not, and what boxes of it have."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.shell import base
from recipebook.shell.box import Box, BoxSettings, open_box
from recipebook.shell.episodes import Episodes
from recipebook.shell.inspection import inspect
from recipebook.shell.tasks import Task
from recipebook.shell.unpacking import ROOT, find_differing
from tests.recipebook.shell.boxes import needs_boxes

DEBIAN = BoxSettings(base="debian")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(base, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program named mmdebstrap before all others."""
    (folder / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_base_that_was_not_made_is_told_with_the_command(cache: Path) -> None:
    with pytest.raises(UserError, match=r"^the base debian is not in .*/shell/debian-.*: make shell-base$"):
        base.require_base("debian")
    task = Task(number=1, instruction="Wait.", init="")
    with pytest.raises(UserError, match="make shell-base"):
        Episodes().reset(task, "a", base="debian")
    assert base.require_base("host") is None


def test_without_mmdebstrap_the_package_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"is not installed: apt-get install mmdebstrap$"):
        base.build_base(None, print)


def test_a_mirror_that_cannot_be_reached_is_one_line_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As mmdebstrap 1.3 writes it without a network.
    script = """
for last; do :; done
echo 'I: running apt-get update...' >&2
echo 'E: Failed to fetch '$last'/dists/bookworm/InRelease  Could not connect' >&2
echo 'E: apt-get update failed' >&2
echo 'E: mmdebstrap failed to run' >&2
exit 25"""
    stand_in(tmp_path, monkeypatch, script)
    heard: list[str] = []
    with pytest.raises(UserError) as caught:
        base.build_base("http://127.0.0.1:1", heard.append)
    assert str(caught.value) == (
        "the base debian could not be made: Failed to fetch http://127.0.0.1:1/dists/bookworm/InRelease  "
        "Could not connect"
    )
    assert heard == ["running apt-get update..."]
    assert [path.name for path in (cache / "shell").iterdir() if path.suffix != ".lock"] == []


@needs_boxes
def test_an_archive_without_the_programs_that_tasks_call_is_refused_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = 'for last; do :; done; mkdir -p "${last%/*}/etc"; tar -cf "$last" -C "${last%/*}" ./etc'
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(UserError, match=r"^the base debian was not unpacked: "):
        base.build_base(None, print)
    assert [path.name for path in (cache / "shell").iterdir() if path.suffix != ".lock"] == []


def test_a_file_that_differs_from_the_archive_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (ROOT / "bin").mkdir(parents=True)
    (ROOT / "bin/a").write_text("aa")
    (ROOT / "bin/b").symlink_to("a")
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(ROOT, ".")
    archive.seek(0)
    assert find_differing(archive) is None
    (ROOT / "bin/a").write_text("ab")
    archive.seek(0)
    assert find_differing(archive) == "./bin/a"
    (ROOT / "bin/b").unlink()
    (ROOT / "bin/b").symlink_to("c")
    (ROOT / "bin/a").write_text("aa")
    archive.seek(0)
    assert find_differing(archive) == "./bin/b"


@pytest.fixture(scope="module")
def debian() -> Iterator[Box]:
    """A box of the base, which is made where a machine has none and reaches an archive."""
    if not base.read_base():
        if not shutil.which("mmdebstrap"):
            pytest.skip("mmdebstrap is not installed")
        try:
            base.build_base(None, print)
        except UserError as error:
            if "Failed to fetch" not in str(error):
                raise
            pytest.skip(str(error))
    with closing(open_box(DEBIAN)) as box:
        yield box


@needs_boxes
@pytest.mark.long
def test_a_box_of_debian_has_its_programs_and_nothing_of_this_machine(debian: Box) -> None:
    made = base.read_base()
    assert made
    assert debian.run("dpkg-query -W -f '${Version}' bash", 5).output == made.packages["bash"]
    assert debian.run("vim --version | grep -o +eval; command -v gcc", 5).output == "+eval\n"
    assert debian.run("cat /etc/hostname /etc/resolv.conf /etc/machine-id", 5).output == "box\n"
    assert debian.run("useradd -m eve && su eve -c 'touch ~/x' && stat -c %U /home/eve/x", 5).output == "eve\n"


@needs_boxes
@pytest.mark.long
def test_what_a_box_of_debian_writes_stays_in_it(debian: Box) -> None:
    root = base.require_base("debian")
    assert root
    assert debian.run("echo x > /usr/bin/x; rm /etc/debian_version; ls /usr/bin/x", 5).output == "/usr/bin/x\n"
    with closing(open_box(DEBIAN)) as other:
        assert other.run("ls /usr/bin/x /etc/debian_version", 5).output.splitlines()[-1] == "/etc/debian_version"
    assert (root / "etc/debian_version").exists()


@needs_boxes
@pytest.mark.long
def test_a_box_of_debian_holds_every_attempt(debian: Box) -> None:
    assert [trial.name for trial in inspect(DEBIAN) if not trial.held] == []
