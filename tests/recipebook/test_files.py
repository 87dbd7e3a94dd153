"""Writing: a file is whole or absent, links are followed, and nothing that is no file is renamed over."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipebook.files import replacing, write_text


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_stays_as_it_was_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert (path.read_text(), list_names(tmp_path)) == ("old", ["x"])
    write_text(path, "new")
    assert (path.read_text(), list_names(tmp_path)) == ("new", ["x"])


def test_link_is_followed_and_its_file_replaced(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x").write_text("old")
    (tmp_path / "middle").symlink_to("far/x")
    (tmp_path / "link").symlink_to(tmp_path / "middle")
    (tmp_path / "dangling").symlink_to("far/new")
    before = (tmp_path / "far" / "x").stat().st_ino
    write_text(tmp_path / "link", "new")
    write_text(tmp_path / "dangling", "made")
    assert (tmp_path / "far" / "x").read_text() == "new" and (tmp_path / "far" / "x").stat().st_ino != before
    assert (tmp_path / "far" / "new").read_text() == "made"
    assert (tmp_path / "link").is_symlink() and (tmp_path / "dangling").is_symlink()
    assert list_names(tmp_path / "far") == ["new", "x"]


def test_loop_of_links_and_folder_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path, why in ((tmp_path / "a", errno.ELOOP), (tmp_path, errno.EISDIR), (tmp_path / ("x" * 300), 36)):
        with pytest.raises(OSError) as error:
            write_text(path, "x")
        assert (error.value.errno, list_names(tmp_path)) == (why, ["a", "b"])


def test_a_refusal_names_the_file_and_not_the_neighbour_that_would_become_it() -> None:
    # Nobody can make a file there, not even root.
    with pytest.raises(FileNotFoundError) as error:
        write_text(Path("/proc/x"), "x")
    assert error.value.filename == "/proc/x"


def test_device_is_written_through_and_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "null"):
        write_text(path, "gone")
    assert Path("/dev/null").is_char_device() and list_names(tmp_path) == ["null"]
    with pytest.raises(OSError) as error:
        write_text(Path("/dev/full"), "x")
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, "/dev/full")
    assert Path("/dev/full").is_char_device()


def test_pipe_is_written_through(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True)
    write_text(tmp_path / "pipe", "through")
    assert reader.communicate()[0] == "through"
    assert (tmp_path / "pipe").is_fifo() and list_names(tmp_path) == ["pipe"]


WRITE = "from pathlib import Path; from recipebook.files import write_text; import sys; print('a', flush=True); "
WRITE += "write_text(Path(sys.argv[1]), 'b\\n'); print('c')"


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_written_in_turn_into_pipes_and_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    command = [sys.executable, "-c", WRITE, str(tmp_path / name)]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout == "a\nb\nc\n"
    with (tmp_path / "out").open("w") as out:
        subprocess.run(command, stdout=out, check=True)
    assert (tmp_path / "out").read_text() == "a\nb\nc\n"


def test_the_next_writer_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from recipebook.files import replacing\n"
        f"with replacing(Path({str(tmp_path / 'x')!r})) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    (left,) = list_names(tmp_path)
    for name in (f".y{left[2:]}", f".x.{os.getpid()}.tmp.old", f".x.{os.getppid()}.tmp"):
        (tmp_path / name).touch()
    write_text(tmp_path / "x", "whole")
    assert list_names(tmp_path) == sorted([f".x.{os.getpid()}.tmp.old", f".x.{os.getppid()}.tmp", f".y{left[2:]}", "x"])
