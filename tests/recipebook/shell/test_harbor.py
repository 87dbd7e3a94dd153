"""Tasks as Harbor's folders: what stands in them, and that their own files prepare, solve and decide a task."""

import json
import tomllib
from pathlib import Path

import pytest

from commands import main
from recipebook.errors import UserError, format_refusal
from recipebook.shell.box import Box, BoxSettings, open_box
from recipebook.shell.harbor import export_tasks
from recipebook.shell.tasks import Task
from tests.recipebook.shell.boxes import needs_boxes
from tests.recipebook.small_files import limiting

TASK = Task(
    number=7,
    instruction='Delete "red".\nAll of it: \\o/ \x7f',
    init="mkdir -p /srv/red && cd /srv/red && touch 'a b'; false",
    check="[ -d /srv ] && [ ! -e red ] && [ ! -e /srv/red ]",
    truth="rm -r srv/red",
    skills=("rm", "ls"),
)
QUESTION = Task(number=8, instruction="How many?", init="")
REWARD = Path("/logs/verifier/reward.txt")


def put(box: Box, file: Path, text: str) -> None:
    assert box.run(f"mkdir -p {file.parent}; cat > {file} <<'END'\n{text}END", 5).status == 0


def decide(box: Box, folder: Path) -> str:
    for name in ("test.sh", "check.sh"):
        put(box, Path("/tests", name), (folder / "tests" / name).read_text())
    box.run("bash /tests/test.sh", 5)
    return box.run(f"cat {REWARD}", 5).output


@needs_boxes
def test_an_exported_tasks_own_files_prepare_solve_and_decide_it(tmp_path: Path) -> None:
    assert export_tasks([TASK, QUESTION], tmp_path / "out", rounds=5, seconds=20) == 1
    folder = tmp_path / "out" / "shell-7"
    box = open_box(BoxSettings())
    try:
        for name in ("environment/prepare.sh", "solution/solve.sh"):
            put(box, Path("/", name), (folder / name).read_text())
        # As the Dockerfile has it.
        box.run("bash /environment/prepare.sh < /dev/null", 5)
        assert box.run("ls /srv/red", 5).output == "a b\n"
        assert decide(box, folder) == "0\n"
        box.run("cd /tmp; bash /solution/solve.sh", 5)
        assert decide(box, folder) == "1\n"
    finally:
        box.close()


def test_a_folder_has_the_tasks_words_and_limits(tmp_path: Path) -> None:
    export_tasks([TASK], tmp_path / "out", rounds=5, seconds=20)
    folder = tmp_path / "out" / "shell-7"
    assert tomllib.loads((folder / "task.toml").read_text()) == {
        "schema_version": "1.3",
        "task": {"name": "recipebook/shell-7", "description": TASK.instruction, "keywords": ["rm", "ls"]},
        "metadata": {"number": 7, "kind": "shell"},
        "agent": {"timeout_sec": 100.0},
        "verifier": {"timeout_sec": 20.0},
        "environment": {"network_mode": "no-network", "cpus": 1, "memory_mb": 512, "storage_mb": 1024},
    }
    assert (folder / "instruction.md").read_text() == f"{TASK.instruction}\n"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "environment/Dockerfile", "environment/prepare.sh", "instruction.md", "solution/solve.sh", "task.toml",
        "tests/check.sh", "tests/test.sh",
    ]  # fmt: skip


def test_a_folder_that_is_there_and_tasks_without_a_check_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is there; name a folder that is not"):
        export_tasks([TASK], tmp_path, rounds=5, seconds=20)
    with pytest.raises(UserError, match="no task has a check"):
        export_tasks([QUESTION], tmp_path / "out", rounds=5, seconds=20)
    assert list(tmp_path.iterdir()) == []


def test_tasks_that_find_no_room_are_refused_by_the_name_of_their_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large") as found, limiting(100):
        export_tasks([TASK], tmp_path / "out", rounds=5, seconds=20)
    assert format_refusal(found.value) == f"{tmp_path / 'out'}: File too large"
    assert list(tmp_path.iterdir()) == []


def test_the_command_counts_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = tmp_path / "tasks.json"
    first = {"description": "a", "evaluation": {"check": {"code": "true"}}}
    tasks.write_text(json.dumps([first, {"description": "b", "evaluation": {"match": "7"}}]))
    assert main(["export-tasks", str(tasks), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"tasks     1 in {tmp_path / 'out'}, 1 left out without a check\n"
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["shell-0"]
