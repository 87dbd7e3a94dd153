"""Files of shell tasks, in the fields of LifelongAgentBench or of AgentBench, as `Task`s.

    {"sample_index": 573, "instruction": "Delete the file /srv/red.txt.",
     "initialization_command_item": {"command_name": "bash", "script": "mkdir -p /srv && touch /srv/red.txt"},
     "evaluation_info": {"evaluation_command_item": {"command_name": "bash", "script": "[ ! -e /srv/red.txt ]"},
                         "ground_truth_command_item": {"command_name": "bash", "script": "rm /srv/red.txt"}},
     "skill_list": ["rm"], "kind": "delete_file"}

    →  Task(number=573, instruction="Delete the file /srv/red.txt.", init="mkdir -p /srv && …",
            check="[ ! -e /srv/red.txt ]", truth="rm /srv/red.txt", skills=("rm",), kind="delete_file")

A file has a list of tasks, an object of tasks by their numbers, or a single task. A question of AgentBench, whose
answer is to `match` or is compared with what the example prints, is a task without a check: its outcome stays unset.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.frozen import Frozen
from recipebook.records import find_repeated_key

# No file has more tasks; Python refuses to read numbers of thousands of digits.
NUMBER = re.compile(r"\d{1,18}")
# Bytes of one word of a command line on Linux, less the NUL at its end.
LONGEST_SCRIPT = 131_071


def _require_words(instruction: str) -> str:
    if not instruction.strip():
        raise PydanticCustomError("empty", "says nothing")
    return instruction


def _require_command(script: str) -> str:
    """A script that decides. Without a command it would exit with 0, and everybody would have solved the task."""
    if all(not line or line.startswith("#") for line in map(str.strip, script.splitlines())):
        raise PydanticCustomError("empty", "has no command, so that it would call every episode correct")
    return script


def _require_runnable(script: str) -> str:
    """A script as bash can be given it, with the line ends of a Linux machine."""
    script = script.replace("\r\n", "\n")
    if "\0" in script:
        raise PydanticCustomError("nul", "has a NUL character, which no command line can have")
    if (size := len(script.encode(errors="surrogatepass"))) > LONGEST_SCRIPT:
        raise PydanticCustomError(
            "long", "has {size} bytes, and a command line has {most} at most", {"size": size, "most": LONGEST_SCRIPT}
        )
    return script


Instruction = Annotated[str, AfterValidator(_require_words)]
Script = Annotated[str, AfterValidator(_require_runnable)]
Check = Annotated[Script, AfterValidator(_require_command)]


class Task(Frozen):
    """One task: scripts are bash. `init` runs before the agent begins, `check` decides, `truth` is a known solution."""

    number: int
    instruction: Instruction
    init: Script
    check: Check | None = None
    truth: Script | None = None
    skills: tuple[str, ...] = ()
    kind: str | None = None


def read_tasks(path: Path) -> list[Task]:
    """All tasks of a file, in its order; what is no shell task is refused with its place."""
    text = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UserError(f"{path}: not JSON: {error.msg}") from None
    if repeated := find_repeated_key(text, value):
        raise UserError(f"{path}: {repeated}")
    if not isinstance(value, list | dict):
        raise UserError(f"{path}: neither a list of shell tasks nor an object of them")
    tasks = [read_task(record, number, f"{path}: {place}") for place, number, record in _list_records(value)]
    if not tasks:
        raise UserError(f"{path}: holds no tasks")
    seen: set[int] = set()
    for task in tasks:
        if task.number in seen:
            raise UserError(f"{path}: two tasks have the number {task.number}")
        seen.add(task.number)
    return tasks


def _list_records(value: list[Any] | dict[str, Any]) -> Iterator[tuple[str, int, object]]:
    """Each record with its place in the file and the number it has if it names none."""
    if isinstance(value, list):
        yield from ((f"task {at}", at, record) for at, record in enumerate(value))
    elif "instruction" in value or "description" in value:
        yield "the task", 0, value
    else:
        for at, (key, record) in enumerate(value.items()):
            yield f"task '{on_one_line(key)}'", int(key) if NUMBER.fullmatch(key) else at, record


class _TaskPart(BaseModel):
    """A part of a record; null is what is left out."""

    @model_validator(mode="before")
    @classmethod
    def _leaves_nulls_out(cls, value: Any) -> Any:
        return {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value


class _Command(_TaskPart):
    command_name: str = "bash"
    script: str


class _CheckCommand(_Command):
    script: Check


class _LifelongEvaluation(_TaskPart):
    evaluation_command_item: _CheckCommand
    ground_truth_command_item: _Command | None = None


class _Lifelong(_TaskPart):
    """A task as LifelongAgentBench writes it; other fields are ignored."""

    instruction: Instruction
    sample_index: int | None = None
    initialization_command_item: _Command
    evaluation_info: _LifelongEvaluation
    skill_list: tuple[str, ...] = ()
    kind: str | None = None


class _Code(_TaskPart):
    code: str
    language: str = "bash"

    @model_validator(mode="before")
    @classmethod
    def _has_its_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"code": value}
        if isinstance(value, dict) and "file" in value and "code" not in value:
            raise PydanticCustomError("file", "is in a file of its own; its text belongs into 'code'")
        return value


class _CheckCode(_Code):
    code: Check


def _list_one(value: Any) -> Any:
    """A single script as a list of one."""
    return [value] if isinstance(value, dict | str) else value


class _Create(_TaskPart):
    init: Annotated[tuple[_Code, ...], BeforeValidator(_list_one)] = ()


class _AgentBenchEvaluation(_TaskPart):
    match: Any = None
    check: Annotated[tuple[_CheckCode, ...], BeforeValidator(_list_one)] = ()
    example: _Code | None = None

    @model_validator(mode="before")
    @classmethod
    def _asks_a_question(cls, value: Any) -> Any:
        """Checks beside null are programs that compare the agent's answer with the example's output, given as words.

        Run without these words, a comparison would find nothing equal to nothing, and call every episode correct.
        """
        if isinstance(value, dict) and isinstance(value.get("check"), list) and None in value["check"]:
            return {**value, "match": "", "check": None}
        return value


class _AgentBench(_TaskPart):
    """A task as AgentBench writes it; other fields are ignored."""

    description: Instruction
    create: _Create = _Create()
    start: _Code | None = None
    evaluation: _AgentBenchEvaluation
    labels: tuple[str, ...] = ()


def read_task(record: object, number: int, place: str) -> Task:
    """One record as a task; `place` names it in errors, and `number` is its number if it has none."""
    if not isinstance(record, dict):
        raise UserError(f"{place}: not a shell task, which is an object")
    if "instruction" not in record and "description" not in record:
        fields = ", ".join(map(on_one_line, [*record][:4])) or "no field"
        raise UserError(f"{place}: not a shell task: it has {fields}, but neither 'instruction' nor 'description'")
    read = _read_agentbench if record.get("instruction") is None and "description" in record else _read_lifelong
    try:
        return read(record, number, place)
    except ValidationError as error:
        raise UserError(f"{place}: not a shell task: {format_first_error(error)}") from None


def _read_lifelong(record: dict[str, Any], number: int, place: str) -> Task:
    read = _Lifelong.model_validate(record)
    check, truth = read.evaluation_info.evaluation_command_item, read.evaluation_info.ground_truth_command_item
    for command in (read.initialization_command_item, check, truth):
        if command:
            _require_bash(command.command_name, place)
    return Task(
        number=number if read.sample_index is None else read.sample_index,
        instruction=read.instruction,
        init=read.initialization_command_item.script,
        check=check.script,
        truth=truth.script if truth else None,
        skills=read.skill_list,
        kind=read.kind,
    )


def _read_agentbench(record: dict[str, Any], number: int, place: str) -> Task:
    read = _AgentBench.model_validate(record)
    evaluation = read.evaluation
    # As AgentBench has it, a question is one whatever else its evaluation has.
    checks = () if evaluation.match is not None else evaluation.check
    begin = [*read.create.init, *([read.start] if read.start else [])]
    for code in (*begin, *checks, *([evaluation.example] if evaluation.example else [])):
        _require_bash(code.language, place)
    if not checks and evaluation.match is None:
        raise UserError(f"{place}: not a shell task: its evaluation has neither 'check' nor 'match'")
    return Task(
        number=number,
        instruction=read.description,
        # One that exits, or goes to another folder, does so for itself alone.
        init="\n".join([*(f"(\n{one.code}\n)" for one in begin[:-1]), *(one.code for one in begin[-1:])]),
        check=" && ".join(f"(\n{code.code}\n)" for code in checks) or None,
        truth=evaluation.example.code if evaluation.example else None,
        skills=read.labels,
    )


def _require_bash(language: str, place: str) -> None:
    if language != "bash":
        raise UserError(f"{place}: a script in '{on_one_line(language)}'; only bash is run")
