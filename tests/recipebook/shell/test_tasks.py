"""Files of shell tasks: both dialects, and the lines that refuse all others."""

import json
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.shell.tasks import Task, read_tasks
from samples.make_shell import draw_tasks, format_tasks

LIFELONG = {
    "sample_index": 7,
    "instruction": "Delete /srv/red.txt.",
    "initialization_command_item": {"command_name": "bash", "script": "touch /srv/red.txt"},
    "evaluation_info": {
        "evaluation_command_item": {"command_name": "bash", "script": "[ ! -e /srv/red.txt ]"},
        "ground_truth_command_item": {"command_name": "bash", "script": "rm /srv/red.txt"},
    },
    "skill_list": ["rm"],
    "raw_entry_hash": 777,
}
READ = Task(
    number=7, instruction="Delete /srv/red.txt.", init="touch /srv/red.txt", check="[ ! -e /srv/red.txt ]",
    truth="rm /srv/red.txt", skills=("rm",), kind=None,
)  # fmt: skip
AGENTBENCH = {
    "description": "Delete /srv/red.txt.",
    "create": {"local": "default", "init": {"code": "mkdir -p /srv"}},
    "start": "touch /srv/red.txt",
    "evaluation": {"check": [{"code": "[ ! -e /srv/red.txt ]"}], "example": {"code": "rm /srv/red.txt"}},
    "labels": ["rm"],
}


def read(folder: Path, value: object) -> list[Task]:
    path = folder / "tasks.json"
    path.write_text(json.dumps(value))
    return read_tasks(path)


def test_lifelongagentbenchs_fields_become_a_task(tmp_path: Path) -> None:
    assert read(tmp_path, [LIFELONG]) == [READ]


def test_an_object_of_tasks_and_a_single_task_are_read_too(tmp_path: Path) -> None:
    assert read(tmp_path, {"7": LIFELONG}) == [READ]
    assert read(tmp_path, LIFELONG) == [READ]


def test_agentbenchs_fields_become_a_task_of_which_every_check_must_hold(tmp_path: Path) -> None:
    evaluation = {"check": [{"code": "[ -d /srv ]"}, {"code": "[ ! -e /srv/red.txt ]"}]}
    assert read(tmp_path, [AGENTBENCH, {**AGENTBENCH, "evaluation": evaluation}]) == [
        Task(
            number=0, instruction="Delete /srv/red.txt.", init="(\nmkdir -p /srv\n)\ntouch /srv/red.txt",
            check="(\n[ ! -e /srv/red.txt ]\n)", truth="rm /srv/red.txt", skills=("rm",),
        ),
        Task(
            number=1, instruction="Delete /srv/red.txt.", init="(\nmkdir -p /srv\n)\ntouch /srv/red.txt",
            check="(\n[ -d /srv ]\n) && (\n[ ! -e /srv/red.txt ]\n)", skills=("rm",),
        ),
    ]  # fmt: skip


def test_a_question_is_a_task_without_a_check(tmp_path: Path) -> None:
    (task,) = read(tmp_path, [{"description": "How many?", "evaluation": {"match": "2"}}])
    assert task == Task(number=0, instruction="How many?", init="")


@pytest.mark.parametrize(
    "comparison", [{"language": "python", "file": "integer-match.py"}, {"code": '[ "$1" = "$2" ]'}]
)
def test_a_comparison_with_what_the_example_prints_is_a_question(tmp_path: Path, comparison: object) -> None:
    evaluation = {"check": [None, comparison], "example": "ls -a /home | wc -l"}
    assert read(tmp_path, [{"description": "How many?", "evaluation": evaluation}]) == [
        Task(number=0, instruction="How many?", init="", truth="ls -a /home | wc -l")
    ]


def test_a_question_with_an_answer_is_one_whatever_checks_stand_beside_it(tmp_path: Path) -> None:
    (task,) = read(tmp_path, [{"description": "How many?", "evaluation": {"match": "2", "check": {"code": "true"}}}])
    assert task.check is None


def test_a_script_of_agentbench_may_be_a_text_and_its_preparation_a_list(tmp_path: Path) -> None:
    record = {
        "description": "Make /a/x.", "create": {"init": ["mkdir /a; exit 1", {"code": "mkdir /b"}]},
        "start": {"code": "sleep 9 &"}, "evaluation": {"check": "[ -e /a/x ]", "example": "touch /a/x"},
    }  # fmt: skip
    init = "(\nmkdir /a; exit 1\n)\n(\nmkdir /b\n)\nsleep 9 &"
    assert read(tmp_path, [record]) == [
        Task(number=0, instruction="Make /a/x.", init=init, check="(\n[ -e /a/x ]\n)", truth="touch /a/x")
    ]


def test_what_is_null_counts_as_left_out(tmp_path: Path) -> None:
    nulls = {"instruction": None, "create": None, "start": None, "labels": None}
    evaluation = {"check": {"code": "[ -e /x ]", "language": None}, "example": None, "match": None}
    assert read(tmp_path, [{"description": "Make /x.", "evaluation": evaluation, **nulls}]) == [
        Task(number=0, instruction="Make /x.", init="", check="(\n[ -e /x ]\n)")
    ]
    assert read(tmp_path, [{**LIFELONG, "sample_index": None, "skill_list": None}]) == [
        READ.model_copy(update={"number": 0, "skills": ()})
    ]


def test_scripts_written_on_windows_have_the_line_ends_of_linux(tmp_path: Path) -> None:
    script = "mkdir /srv/x\r\ntouch /srv/x/y\r\n"
    (task,) = read(tmp_path, [{**LIFELONG, "initialization_command_item": {"script": script}}])
    assert task.init == "mkdir /srv/x\ntouch /srv/x/y\n"


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps([LIFELONG]), encoding="utf-8-sig")
    assert read_tasks(path) == [READ]


@pytest.mark.parametrize("form", ["dict", "list", "agentbench"])
def test_all_forms_of_the_samples_are_read(tmp_path: Path, form: str) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(format_tasks(draw_tasks(40, 29), form))
    assert len(read_tasks(path)) == 40


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "neither a list of shell tasks nor an object of them"),
        ([], "holds no tasks"),
        ([LIFELONG, 3], "task 1: not a shell task, which is an object"),
        (
            [{"input": "stop", "output": "robot.stop()"}],
            "task 0: not a shell task: it has input, output, but neither 'instruction' nor 'description'",
        ),
        (
            {"a": {"instruction": "x", "input": "", "output": "y"}},
            "task 'a': not a shell task: initialization_command_item: Field required",
        ),
        (
            [{**LIFELONG, "initialization_command_item": {"command_name": "python", "script": "1"}}],
            "task 0: a script in 'python'; only bash is run",
        ),
        (
            [{"description": "x", "evaluation": {}}],
            "task 0: not a shell task: its evaluation has neither 'check' nor 'match'",
        ),
        (
            {"9" * 5000: {}},
            f"task '{'9' * 5000}': not a shell task: it has no field, but neither 'instruction' nor 'description'",
        ),
        ([LIFELONG, LIFELONG], "two tasks have the number 7"),
        ([{**LIFELONG, "instruction": " "}], "task 0: not a shell task: instruction: says nothing"),
        (
            [{**LIFELONG, "evaluation_info": {"evaluation_command_item": {"script": "\n# later\n"}}}],
            "task 0: not a shell task: evaluation_info.evaluation_command_item.script: has no command, so that it "
            "would call every episode correct",
        ),
        (
            [{"description": "x", "evaluation": {"check": [{"code": "true"}, {"code": ""}]}}],
            "task 0: not a shell task: evaluation.check.1.code: has no command, so that it would call every episode "
            "correct",
        ),
        (
            [{"description": "x", "evaluation": {"check": {"language": "bash", "file": "check/1.sh"}}}],
            "task 0: not a shell task: evaluation.check.0: is in a file of its own; its text belongs into 'code'",
        ),
        (
            [{**LIFELONG, "initialization_command_item": {"script": "echo a\0b"}}],
            "task 0: not a shell task: init: has a NUL character, which no command line can have",
        ),
        (
            [{**AGENTBENCH, "start": "#" * 131_055}],
            "task 0: not a shell task: init: has 131073 bytes, and a command line has 131071 at most",
        ),
        (
            [{**LIFELONG, "evaluation_info": ["true"]}],
            "task 0: not a shell task: evaluation_info: Input should be an object",
        ),
        ([{**LIFELONG, "skill_list": "rm"}], "task 0: not a shell task: skill_list: Input should be a list"),
    ],
)
def test_what_is_no_shell_task_is_refused_with_its_place(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, value)
    assert str(caught.value) == f"{tmp_path / 'tasks.json'}: {message}"


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text('{"input": "stop"}\n{"input": "go"}\n')
    with pytest.raises(UserError, match=r"tasks\.json: not JSON: unexpected content after document"):
        read_tasks(path)


def test_two_values_under_one_key_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    task = json.dumps(LIFELONG)
    path.write_text(f'{{"1": {task}, "1": {task.replace("7", "8")}}}')
    with pytest.raises(UserError, match=r"tasks\.json: has '1' twice in one object$"):
        read_tasks(path)
