r"""Shell tasks for an agent to play, in the fields of LifelongAgentBench or of AgentBench.

In: `{"sample_index": 573, "instruction": "Delete the file /srv/red.txt.", "initialization_command_item":
{"command_name": "bash", "script": "touch /srv/red.txt"}, "evaluation_info": {"evaluation_command_item": {…, "script":
"[ ! -e /srv/red.txt ]"}, "ground_truth_command_item": {…, "script": "rm /srv/red.txt"}}, "skill_list": ["rm"],
"kind": "delete_file", "level": 1}`. Out, with the rules of the dialogue before the task and its known solution behind:

    {"messages": [{"role": "system", "content": "You are a helpful assistant."}, …,
                  {"role": "user", "content": "Delete the file /srv/red.txt."},
                  {"role": "assistant", "content": "Act: bash\n```bash\nrm /srv/red.txt\n```"}],
     "meta": {"task": "{\"number\": 573, …}", "kind": "delete_file", "level": 1, "skills": "rm"}}

`training.method: grpo` and the metric `shell` play the task of `meta.task` in a box; they read no solution. A task
without one, or without a check, is left out.
"""

from typing import Any, cast

from recipebook.data.fields import PART_HARMLESS, RECORD_HARMLESS, Fields
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.rows import BadRecord, LeftOut, Message, Row
from recipebook.shell.dialogue import open_dialogue
from recipebook.shell.tasks import read_task

WANTS = "'instruction', 'initialization_command_item' and 'evaluation_info', or 'description' and 'evaluation'"
METRICS: dict[str, dict[str, Any]] = {"shell": {}}
_COMMAND = Fields("command", dict.fromkeys(("command_name", "script")), PART_HARMLESS)
_CODE = Fields("script", dict.fromkeys(("code", "language")), PART_HARMLESS)
FIELDS = Fields(
    "record",
    {
        **dict.fromkeys(("instruction", "skill_list", "kind", "level", "description", "start", "labels")),
        "initialization_command_item": _COMMAND,
        "evaluation_info": Fields(
            "evaluation_info",
            {"evaluation_command_item": _COMMAND, "ground_truth_command_item": _COMMAND},
            PART_HARMLESS,
        ),
        "create": Fields("create", {"init": _CODE}, PART_HARMLESS),
        "evaluation": Fields("evaluation", {"match": None, "check": _CODE, "example": _CODE}, PART_HARMLESS),
    },
    RECORD_HARMLESS | {"sample_index"},
)
_PLACE = "the record"


class Options(Frozen):
    """What a recipe may set."""

    levels: tuple[int, ...] | None = None
    """The levels of difficulty of the tasks that are kept, such as [1, 2]; null: all. Set it for a small model."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its scripts."""
    if type(record.get("evaluation_info")) is dict and type(record.get("instruction")) is str:
        return "have 'instruction' and 'evaluation_info'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """One row with the task in it."""
    try:
        task = read_task(record, 0, _PLACE)
    except UserError as error:
        raise BadRecord(str(error).removeprefix(f"{_PLACE}: ")) from None
    level = record.get("level")
    if options.levels is not None and level not in options.levels:
        raise LeftOut(f"level {level}")
    if task.check is None:
        raise LeftOut("has no script that checks it")
    if task.truth is None:
        raise LeftOut("has no known solution")
    answer: Message = {"role": "assistant", "content": f"Act: bash\n```bash\n{task.truth}\n```"}
    meta = {"task": task.model_dump_json(), "kind": task.kind, "level": level}
    meta |= {"skills": " ".join(task.skills)}
    known = {key: value for key, value in meta.items() if value is not None}
    return [{"messages": [*cast(list[Message], open_dialogue(task.instruction)), answer], "meta": known}]
