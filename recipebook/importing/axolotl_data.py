"""The data sets of a configuration of Axolotl to a recipe's `data`.

    datasets:                                     data:
      - path: owner/name                            source: hf:owner/name:train
        split: train[:20%]                          converter: chat
        type: chat_template                         options: {columns: {messages: talk}}
        field_messages: talk                      and the line: datasets[0].split: train[:20%]: …

A data set's `type` may also say how it is read: `{field_instruction: asked, field_output: said}`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from recipebook.importing.draft import Draft, set_held_out
from recipebook.project import locate
from recipebook.recipe.schema_walk import Fault
from recipebook.suggestions import quote

# Kinds of data sets that have no questions and answers.
TEXTS = ("completion", "pretrain")
KNOWN = ("chat_template", "alpaca", "sharegpt", "")
# As datasets of chats are written; converters read these by themselves.
LISTS = ("messages", "conversations")
ROLES = {"role": ("role", "from"), "content": ("content", "value")}
SPEAKERS = {
    "system": {"system"}, "user": {"user", "human"}, "assistant": {"assistant", "gpt", "model"}, "tool": {"tool"},
}  # fmt: skip
PROMPT_FIELDS = {"field_instruction": "user", "field_output": "assistant", "field_system": "system"}
ON_HUB = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
# Names of datasets' own loaders, which data_files belongs to.
LOADERS = ("json", "csv", "parquet", "arrow", "text")


def find_unread(given: Mapping[str, Any]) -> Iterator[Fault]:
    """The data sets that no recipe reads, or that are not there at all."""
    if given.get("pretraining_dataset"):
        yield Fault(("pretraining_dataset",), True, _explain_texts("pretraining_dataset"))
    elif not given.get("datasets"):
        yield Fault((), True, "no 'datasets', from which a recipe has its data")
    for key in ("datasets", "test_datasets"):
        for at, entry in enumerate(given.get(key) or ()):
            path: tuple[str | int, ...] = (key, at)
            if _name_form(entry) in TEXTS:
                yield Fault((*path, "type"), False, _explain_texts(f"{key}.{at}.type: {entry['type']}"))
            elif not _is_local(place := _find_place(entry)) and not ON_HUB.fullmatch(place):
                text = f"{key}.{at}.path: {quote(place)} is no file, no folder from here, and no OWNER/NAME on the hub"
                yield Fault((*path, "path") if "path" in entry else path, False, text)


def set_data(draft: Draft, method: str) -> None:
    """The source, how it is read, and what is held out."""
    first, *others = draft.take("datasets") or [{}]
    draft.set("data.source", _name_source(draft, first, "datasets[0]"))
    draft.set("data.converter", "auto" if method == "sft" else "preference")
    for number, other in enumerate(others, 1):
        draft.note(f"datasets[{number}]", "a recipe has one source: put the files into one folder", other)
    held_out, *more = draft.take("test_datasets") or [None]
    if held_out:
        draft.set("data.validation", _name_source(draft, held_out, "test_datasets[0]"))
    for number, other in enumerate(more, 1):
        draft.note(f"test_datasets[{number}]", "data.validation names one source", other)
    set_held_out(draft, "val_set_size", has_own=bool(held_out))
    _set_form(draft, first, method)


def _explain_texts(what: str) -> str:
    return f"{what}: texts without questions and answers; recipes learn from chats, pairs and shell tasks"


def _name_form(entry: Mapping[str, Any]) -> str:
    """`alpaca` of `alpaca:chat` and `alpaca.load`; "" of fields that are named one by one."""
    form = entry.get("type") or ""
    return re.split("[.:]", form, maxsplit=1)[0] if isinstance(form, str) else ""


def _find_place(entry: Mapping[str, Any]) -> str:
    """The path, or the only file behind it: `{path: json, data_files: a.jsonl}` and `{path: data, data_files: [a]}`."""
    path, files = str(entry.get("path") or "FILE"), entry.get("data_files")
    (name, *more) = files if isinstance(files, list) and files else [files]
    if isinstance(name, str) and not more and (path in LOADERS or _is_local(path)):
        return name if path in LOADERS else str(PurePath(path) / name)
    return path


def _is_local(path: str) -> bool:
    if "://" in path:
        return False
    return bool(PurePath(path).suffix) or path.startswith(("/", "./", "../")) or locate(path).is_dir()


def _name_source(draft: Draft, entry: Mapping[str, Any], label: str) -> str:
    """A file's path, or `hf:owner/name/config:split`."""
    place, split, config = _find_place(entry), entry.get("split"), entry.get("name")
    if _is_local(place):
        if config:
            draft.note(f"{label}.name", "a file has no configurations", config)
        if split not in (None, "train"):
            draft.note(f"{label}.split", "a file has no parts; data.split makes some", split)
        return place
    if split and (whole := re.match(r"[\w.-]+", split)) and whole[0] != split:
        draft.note(f"{label}.split", f"all records of {whole[0]} are read", split)
        split = whole[0]
    revision = f"@{entry['revision']}" if entry.get("revision") else ""
    return f"hf:{place}{revision}{f'/{config}' if config else ''}{f':{split}' if split else ''}"


def _set_form(draft: Draft, entry: Mapping[str, Any], method: str) -> None:
    """How records are read: what the converter finds by itself needs no key."""
    taken = ("path", "split", "name", "revision", "ds_type", *(["data_files"] if _has_own_file(entry) else []))
    rest = {key: value for key, value in entry.items() if key not in taken and value is not None}
    form, kind = _name_form(rest), rest.pop("type", "")
    if isinstance(kind, Mapping):
        _set_columns(draft, kind)
    elif form not in KNOWN:
        draft.note("datasets[0].type", "docs/data.md has a converter for each kind of record", kind)
    field = rest.pop("field_messages", None)
    if field and field not in LISTS and method == "sft":
        draft.set("data.options.columns.messages", field)
    _set_turns(draft, rest)
    for key in ("field_chosen", "field_rejected"):
        if rest.get(key) == key.removeprefix("field_"):
            rest.pop(key)
    if rest.pop("drop_system_message", False):
        draft.set("model.system", "drop")
    roles = rest.pop("roles_to_train", ["assistant"])
    if draft.take("train_on_inputs") or (roles and set(roles) - {"assistant", "gpt"}):
        draft.set("training.train_on", "all")
    for key, value in rest.items():
        draft.note(f"datasets[0].{key}", "the converter has no such option", value)


def _has_own_file(entry: Mapping[str, Any]) -> bool:
    return _find_place(entry) != str(entry.get("path") or "FILE")


def _set_columns(draft: Draft, kind: Mapping[str, Any]) -> None:
    """The columns that a data set's own form names, where they are a question and its answer."""
    columns = {column: kind[key] for key, column in PROMPT_FIELDS.items() if kind.get(key)}
    read = {"user", "assistant"} <= columns.keys()
    if read:
        draft.set("data.options.columns", columns)
    for key, value in kind.items():
        if value is not None and not (read and key in PROMPT_FIELDS):
            draft.note(f"datasets[0].type.{key}", "data.options.columns names a question and its answer", value)


def _set_turns(draft: Draft, rest: dict[str, Any]) -> None:
    """How the turns of a chat are written, under the keys of this and of older versions of Axolotl."""
    mappings = {f"message_property_mappings.{key}": (key, name)
                for key, name in (rest.pop("message_property_mappings", None) or {}).items()}  # fmt: skip
    for key in ROLES:
        if name := rest.pop(f"message_field_{key}", None):
            mappings[f"message_field_{key}"] = (key, name)
    for label, (key, name) in mappings.items():
        if name not in ROLES.get(key, ()):
            draft.note(f"datasets[0].{label}", "turns are read by their usual names", name)
    for role, names in (rest.pop("roles", None) or {}).items():
        if set(names) - SPEAKERS.get(role, set()):
            draft.note(f"datasets[0].roles.{role}", "speakers are read by their usual names", names)
