"""Folders under construction: nobody's are swept, somebody's are left alone."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from recipebook.building import building
from recipebook.errors import format_refusal
from recipebook.files import write_text
from tests.recipebook.small_files import limiting

BUILD = "import sys, time; from pathlib import Path; from recipebook.building import building\n"
BUILD += "with building('x', Path(sys.argv[1])): print('built', flush=True); time.sleep(60)"
ROOT = Path(__file__).parents[2]


def test_folder_is_gone_in_the_end_or_stays_where_it_was_moved(tmp_path: Path) -> None:
    with building("x", tmp_path) as folder:
        assert folder.parent == tmp_path
        (folder / "rows").write_text("1")
    with building("x", tmp_path) as folder:
        folder.rename(tmp_path / "done")
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_only_the_folder_of_a_killed_builder_is_swept(tmp_path: Path) -> None:
    (tmp_path / "finished").mkdir()
    builder = subprocess.Popen([sys.executable, "-c", BUILD, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with builder:
        assert builder.stdout and builder.stdout.readline() == "built\n"
        (left,) = tmp_path.glob(".x.*")
        with building("y", tmp_path):
            assert left.exists()
        os.kill(builder.pid, signal.SIGKILL)
    assert left.exists()
    with building("y", tmp_path) as folder:
        assert sorted(tmp_path.iterdir()) == sorted([folder, tmp_path / "finished"])


def test_a_hidden_folder_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".emacs.d").mkdir()
    (tmp_path / ".emacs.d" / "init.el").write_text("own")
    with building("x", tmp_path):
        pass
    assert (tmp_path / ".emacs.d" / "init.el").read_text() == "own"


def test_weights_that_find_no_room_are_refused_by_the_name_of_the_place(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large") as found, limiting(1000), building("robot", tmp_path) as folder:
        save_file({"weights": np.zeros(1000)}, folder / "model.safetensors")
    assert format_refusal(found.value) == f"{tmp_path / 'robot'}: File too large"
    assert list(tmp_path.iterdir()) == []


def test_texts_that_find_no_room_are_refused_by_the_name_of_the_place(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large") as found, limiting(1000), building("robot", tmp_path) as folder:
        write_text(folder / "config.json", "x" * 2000)
    assert format_refusal(found.value) == f"{tmp_path / 'robot'}: File too large"


def test_what_the_system_refuses_elsewhere_keeps_its_own_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as found, building("robot", tmp_path):
        (tmp_path / "none").read_text()
    assert found.value.filename == str(tmp_path / "none")
