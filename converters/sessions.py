r"""Recorded sessions of an agent on shell tasks: the successful ones, or pairs of a success and a failure.

In: `{"task_name": "os_interaction", "sample_index": "4", "sample_status": "completed", "chat_history": {"value":
[{"role": "user", "content": "Rules: …"}, {"role": "agent", "content": "OK."}, {"role": "user", "content": "Delete x."},
{"role": "agent", "content": "Act: bash\n…"}]}, "finish_reason": null, "evaluation_record": {"outcome": "correct",
"detail_dict": null}}`. Out, in the form `sft`, if the outcome is correct:

    {"messages": [{"role": "system", "content": "You are a helpful assistant."},
                  {"role": "user", "content": "Rules: …"}, {"role": "assistant", "content": "OK."}, …],
     "meta": {"task": "os_interaction/4", "status": "completed", "rounds": 1, "outcome": "correct", "reward": 1.0}}

Other sessions are left out, by their outcome; what follows the agent's last turn is cut off. In the form `pairs`,
`join` gives each correct session an incorrect one of the same task, also from another file of the source. Their row has
the turns that both share for a prompt, and the first turns that differ: `chosen` from the success, `rejected` from the
failure.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from converters._extras import check_marks
from converters._turns import Shape, declare_turns, read_turns
from recipebook.data.fields import RECORD_HARMLESS, Fields, remember_whole
from recipebook.frozen import Frozen
from recipebook.records import Record, name_kind
from recipebook.rows import BadRecord, LeftOut, Message, Row
from recipebook.shell.outcomes import OUTCOMES, Outcome, reward

WANTS = "'chat_history' and 'evaluation_record'"
FAILED = "failed_session"
"""Where `_join` puts the failure that goes with a success."""

_ROLES = {"user": "user", "agent": "assistant"}
_HISTORY = Shape("chat_history", "role", "content")
_READY = "OK."
_CHECKED = {"tool_calls": None, "function_call": None}
_HISTORY_FIELDS = Fields("history", {"value": declare_turns(_HISTORY, _ROLES, user=_CHECKED, assistant=_CHECKED)})
_SESSION = Fields(
    "record",
    {"task_name": None, "sample_index": None, "sample_status": None, "chat_history": _HISTORY_FIELDS,
     "evaluation_record": Fields("evaluation", {"outcome": None}, ["detail_dict"])},
    RECORD_HARMLESS | {"finish_reason"},
)  # fmt: skip
FIELDS = _SESSION.extend({FAILED: _SESSION})


class _Session(NamedTuple):
    """The parts of a session that rows need."""

    task: str
    status: str
    outcome: Outcome
    messages: list[Message]


class Options(Frozen):
    """What a recipe may set."""

    form: Literal["sft", "pairs"] = "sft"
    """`sft`: a row for each success; `pairs`: a row for each success that has a failure to pair it with."""
    system: str | None = "You are a helpful assistant."
    """The agent's system prompt, which the history leaves out; null: no system turn."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its history and its evaluation."""
    if type(record.get("chat_history")) is dict and type(record.get("evaluation_record")) is dict:
        return "have 'chat_history' and 'evaluation_record'"
    return None


def choose_join(options: Options) -> Callable[[Iterable[Record]], Iterator[Record]] | None:
    """Return `_join` for the form `pairs`, which needs two records a row; None for `sft`."""
    return _join if options.form == "pairs" else None


def _join(records: Iterable[Record]) -> Iterator[Record]:
    """The same records in the same number; each success gets the failure to pair it with."""
    held = [(record, _try_to_read(record.value)) for record in records]
    failures: dict[tuple[str, ...], deque[dict[str, Any] | BadRecord]] = defaultdict(deque)
    for record, session in held:
        if session and session.outcome == "incorrect":
            failures[_name_task(session)].append(record.value)
    for record, session in held:
        if session and session.outcome == "correct" and (waiting := failures[_name_task(session)]):
            assert isinstance(record.value, dict)
            yield record._replace(value={**record.value, FAILED: waiting.popleft()})
        else:
            yield record


def _name_task(session: _Session) -> tuple[str, ...]:
    """A task by its number and by what was said before the agent acted: files of several runs may count alike."""
    begun = takewhile(lambda turn: turn["role"] != "assistant" or turn["content"].strip() == _READY, session.messages)
    return session.task, *(turn["content"] for turn in begun)


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The row of a success, or of a success and its failure."""
    session = _read_session(record)
    if options.form == "pairs":
        return [_pair(session, record.get(FAILED), options.system)]
    if session.outcome != "correct":
        raise LeftOut(f"outcome: {session.outcome}")
    check_marks(session.messages)
    return [{"messages": _begin(options.system) + session.messages, "meta": _describe(session)}]


def _try_to_read(value: dict[str, Any] | BadRecord) -> _Session | None:
    try:
        return None if isinstance(value, BadRecord) else _read_session(value)
    except BadRecord:
        # `convert` reads the record again and reports the reason.
        return None


def _read_session(record: dict[str, Any]) -> _Session:
    task, index = record.get("task_name"), record.get("sample_index")
    if type(task) is not str:
        raise BadRecord(_format_kind("'task_name'", task, "a string"))
    if type(index) not in (str, int):
        raise BadRecord(_format_kind("'sample_index'", index, "a string or a number"))
    status = record.get("sample_status")
    if type(status) is not str:
        raise BadRecord(_format_kind("'sample_status'", status, "a string"))
    parts = f"{task}/{index}", status, _read_outcome(record), _read_messages(record)
    # A third faster than calling the class.
    return tuple.__new__(_Session, parts)


def _read_outcome(record: dict[str, Any]) -> Outcome:
    evaluation = record.get("evaluation_record")
    if type(evaluation) is not dict:
        raise BadRecord(_format_kind("'evaluation_record'", evaluation, "an object"))
    said = evaluation.get("outcome")
    if said in OUTCOMES:
        outcome: Outcome = said
        return outcome
    raise BadRecord(f"'outcome' of 'evaluation_record' is none of {', '.join(OUTCOMES)}")


def _read_messages(record: dict[str, Any]) -> list[Message]:
    history = record.get("chat_history")
    if type(history) is not dict:
        raise BadRecord(_format_kind("'chat_history'", history, "an object"))
    listed = history.get("value")
    if type(listed) is not list:
        raise BadRecord(_format_kind("'value' of 'chat_history'", listed, "a list"))
    messages = read_turns(listed, _HISTORY, _ROLES)
    if len(history) == 1:
        remember_whole(history, listed)
    while messages and messages[-1]["role"] == "user":
        messages.pop()
    for message in messages:
        if message["role"] == "user":
            return messages
    raise BadRecord("'chat_history' has no agent's turn that answers a user's")


def _pair(session: _Session, failed: Any, system: str | None) -> Row:
    if session.outcome != "correct":
        raise LeftOut(f"outcome: {session.outcome}, in pairs only beside a correct session")
    if failed is None:
        raise LeftOut("no incorrect session on its task is left to pair it with")
    if type(failed) is not dict:
        raise BadRecord(_format_kind(f"'{FAILED}'", failed, "an object"))
    turns = [*zip(session.messages, _read_session(failed).messages, strict=False)]
    shared = len([*takewhile(lambda both: both[0] == both[1], turns)])
    if not 0 < shared < len(turns) or {turn["role"] for turn in turns[shared]} != {"assistant"}:
        raise LeftOut("does not part from the incorrect session by an agent's turn")
    chosen, rejected = turns[shared]
    messages = _begin(system) + session.messages[:shared]
    return {"messages": messages, "chosen": chosen, "rejected": rejected, "meta": _describe(session)}


def _begin(system: str | None) -> list[Message]:
    return [] if system is None else [{"role": "system", "content": system}]


def _describe(session: _Session) -> dict[str, Any]:
    answers = [message["content"] for message in session.messages if message["role"] == "assistant"]
    return {
        "task": session.task,
        "status": session.status,
        "rounds": len(answers) - (answers[0].strip() == _READY),
        "outcome": session.outcome,
        "reward": reward(session.outcome),
    }


def _format_kind(what: str, value: Any, wanted: str) -> str:
    return f"{what} is {name_kind(value)}, not {wanted}" if value is not None else f"missing {what}"
