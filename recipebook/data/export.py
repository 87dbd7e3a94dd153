"""Rows back out, in a form that another system takes: one module of exports/ a form.

In: rows as the conversion writes them, and the name of a form, such as `prompt_completion`. Out: JSONL, escaped to
ASCII, and the account of every row:

    {"prompt": "stop", "completion": "robot.stop()"}

A row that the form cannot hold is rejected, with the reason and its place; the file is whole or absent.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from xxhash import xxh3_64_intdigest

from recipebook.data.account import Account, Ledger, judge
from recipebook.errors import UserError, on_one_line
from recipebook.files import replacing
from recipebook.modules import EXPORT, load
from recipebook.records import name_kind
from recipebook.rows import BadRecord, Message, Row
from recipebook.sources.inputs import find_inputs

Export = Callable[[Row], dict[str, Any]]


def find_export(name: str) -> Export:
    """Load exports/<name>.py."""
    return cast(Export, load(EXPORT, name).export)


def export_rows(form: str, source: str, out: Path, rejects: int | str = 0) -> Account:
    """Write rows in another form; with more rejected rows than allowed, only an error is left."""
    export = find_export(form)
    ledger = Ledger()
    with replacing(out) as file:
        for each in find_inputs(source, Path()):
            for record in each.read(ledger.notes):
                ledger.records += 1
                try:
                    if isinstance(record.value, BadRecord):
                        raise record.value
                    row = check_row(record.value)
                    line = json.dumps(fields := export(row)).encode() + b"\n"
                except (BadRecord, RecursionError) as reason:
                    fault = str(reason) if isinstance(reason, BadRecord) else "nested too deeply"
                    ledger.reject(each.name, record, fault)
                    continue
                if "metadata" not in fields and take_metadata(row):
                    ledger.notes["meta"] = f"{form} holds no meta; written without it"
                for field in record.value.keys() - _ROW:
                    ledger.notes[f"field {field}"] = f"{form} holds no '{on_one_line(field)}'; written without it"
                ledger.contents.remember(xxh3_64_intdigest(line))
                ledger.rows += 1
                file.write(line)
        account = ledger.close()
        judge(account, rejects, "--rejects")
        if not account.rows:
            raise UserError(
                f"{source}: none of its {account.records} rows can be written as {form}{account.format_reasons()}"
            )
    return account


def check_row(value: dict[str, Any]) -> Row:
    """Make sure that `value` is a row, since any file may be given."""
    if type(value.get("messages")) is not list:
        raise BadRecord(f"no row: 'messages' is {name_kind(value.get('messages'))}, not a list")
    for field, messages in (("messages", value["messages"]), *((f, [value[f]]) for f in _ANSWERS if f in value)):
        for message in messages:
            if not _is_message(message):
                raise BadRecord(f"no row: '{field}' holds what is no message")
    if type(value.get("meta", {})) is not dict or type(value.get("tools", [])) is not list:
        raise BadRecord("no row: 'meta' is not an object, or 'tools' not a list")
    return cast(Row, value)


def take_metadata(row: Row) -> dict[str, Any]:
    """A row's meta as the field `metadata`, less the origin, which is a place in a file of this project's."""
    metadata = take_all_metadata(row)
    return metadata if metadata["metadata"] else {}


def write_mark(message: Message) -> dict[str, Any]:
    """A message with OpenAI's `weight` in place of this project's `train`."""
    fields = cast(dict[str, Any], message)
    if "train" not in fields:
        return fields
    return {**{key: value for key, value in fields.items() if key != "train"}, "weight": 0}


def take_all_metadata(row: Row) -> dict[str, Any]:
    """The same, also where it is empty: a converter then knows that nothing is missing."""
    return {"metadata": {key: value for key, value in row.get("meta", {}).items() if key != "origin"}}


def refuse_preference(row: Row) -> None:
    """Refuse a preference, whole or half, in a form of chats."""
    if "chosen" in row or "rejected" in row:
        raise BadRecord("a preference pair, which has two answers")
    if "answer" in row or "label" in row:
        raise BadRecord("an answer with a label, which may be a bad one")


def take_pair(row: Row) -> tuple[Message, Message]:
    """The two answers of a preference pair."""
    if "label" in row:
        raise BadRecord("an answer with a label, where a pair has two")
    if "chosen" not in row or "rejected" not in row:
        raise BadRecord("no preference pair: it has one answer")
    return row["chosen"], row["rejected"]


def take_labelled(row: Row) -> tuple[Message, bool]:
    """An answer and whether it is good."""
    if "answer" not in row or type(row.get("label")) is not bool:
        raise BadRecord("no answer with a label")
    return row["answer"], row["label"]


_ANSWERS = ("chosen", "rejected", "answer")


_ROW = frozenset(("messages", "meta", "tools", "chosen", "rejected", "answer", "label"))
"""The fields of a row that forms hold, or refuse."""


def _is_message(message: Any) -> bool:
    if type(message) is not dict or type(message.get("tool_calls", [])) is not list:
        return False
    return type(message.get("role")) is str and type(message.get("content")) is str
