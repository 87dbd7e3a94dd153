"""A data set that a configuration of LLaMA-Factory names, by its entry in dataset_info.json, to a recipe's `data`.

"faq": {"file_name": "faq.json",              data:
        "columns": {"prompt": "asked",          source: data/faq.json
                    "response": "said"}}        converter: auto
                                                options: {columns: {user: asked, assistant: said}}
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebook.errors import UserError
from recipebook.importing.draft import Draft, set_held_out
from recipebook.recipe.schema_walk import Schema, find_faults

INFO = "dataset_info.json"
TAGS = {"role_tag": ("from", "role"), "content_tag": ("value", "content"), "user_tag": ("human", "user"),
        "assistant_tag": ("gpt", "assistant"), "system_tag": ("system",)}  # fmt: skip
# As the converters find them by themselves.
COLUMNS = {"messages": ("messages", "conversations"), "system": ("system",), "chosen": ("chosen",),
           "rejected": ("rejected",), "kto_tag": ("label", "kto_tag"), "prompt": ("instruction", "prompt"),
           "query": ("input",), "response": ("output", "response"), "history": ("history",),
           "tools": ("tools",)}  # fmt: skip
# What data.options.columns calls them.
OWN_COLUMNS = {"prompt": "user", "response": "assistant", "messages": "messages", "system": "system"}
SENSES = ("images", "videos", "audios")
# They say where the data are and how they are written, which the source and the records show.
READ = ("file_name", "hf_hub_url", "subset", "split", "columns", "tags", "formatting", "ranking")
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
ENTRY: Schema = {
    "type": "object",
    "additionalProperties": {},
    "properties": {
        "columns": TEXTS, "tags": TEXTS, **{key: {"type": "string"} for key in READ[:4]},
    },
}  # fmt: skip


def set_data(draft: Draft, method: str, beside: Path) -> None:
    """The source, its columns, and what is held out; `beside` is the folder of the configuration."""
    folder = str(draft.given.get("dataset_dir") or "data")
    first, *others = _list_names(draft.take("dataset", ""))
    entry = _find_entry(first, folder, beside)
    draft.set("data.source", _name_source(draft, first, entry, folder))
    draft.set("data.converter", "auto" if method == "sft" else "preference")
    for name in others:
        draft.note("dataset", "a recipe has one source: put the files into one folder", name)
    if not entry:
        draft.note("dataset", f"no {INFO} says what it is; set data.source and data.converter", first)
    held_out, *more = _list_names(draft.take("eval_dataset", ""))
    if held_out:
        draft.set("data.validation", _name_source(draft, held_out, _find_entry(held_out, folder, beside), folder))
    for name in more:
        draft.note("eval_dataset", "data.validation names one source", name)
    set_held_out(draft, "val_size", has_own=bool(held_out))
    _set_columns(draft, first, entry, method)
    for key, value in entry.items():
        if key not in READ:
            draft.note(f"{INFO}: {first}.{key}", "the whole source is read, as its records are", value)


def _list_names(named: str | list[str]) -> list[str]:
    return [name.strip() for name in (named if isinstance(named, list) else named.split(","))]


def _name_source(draft: Draft, name: str, entry: Mapping[str, Any], folder: str) -> str:
    if "hf_hub_url" in entry:
        config, split = entry.get("subset"), entry.get("split")
        return f"hf:{entry['hf_hub_url']}{f'/{config}' if config else ''}{f':{split}' if split else ''}"
    draft.left.pop("dataset_dir", None)
    return f"{folder}/{entry.get('file_name', f'{name}.json')}"


def _set_columns(draft: Draft, name: str, entry: Mapping[str, Any], method: str) -> None:
    columns, tags = entry.get("columns", {}), entry.get("tags", {})
    for sense in SENSES:
        if sense in columns:
            raise UserError(f"{INFO}: {name}.columns.{sense}: recipes train on text, not on pictures or sound")
    other = {key: column for key, column in columns.items() if column not in COLUMNS.get(key, ())}
    whole = {"messages"} <= columns.keys() or {"prompt", "response"} <= columns.keys()
    if other and whole and method == "sft" and columns.keys() <= OWN_COLUMNS.keys():
        draft.set("data.options.columns", {OWN_COLUMNS[key]: column for key, column in columns.items()})
        other = {}
    unread = {"columns": other, "tags": {key: tag for key, tag in tags.items() if tag not in TAGS.get(key, ())}}
    for section, keys in unread.items():
        for key, one in keys.items():
            draft.note(f"{INFO}: {name}.{section}.{key}", "data.options.columns names columns; see docs/data.md", one)


def _find_entry(name: str, folder: str, beside: Path) -> dict[str, Any]:
    """The dataset's entry in the first dataset_info.json that there is; empty where none has it."""
    for path in (Path(folder) / INFO, beside / folder / INFO, beside / INFO):
        if path.is_file():
            try:
                entries = json.loads(path.read_bytes())
            except ValueError as error:
                raise UserError(f"{path}: not JSON: {error}") from None
            schema = {"type": "object", "properties": {name: ENTRY}, "additionalProperties": {}}
            if faults := find_faults(entries, schema, {}):
                raise UserError("\n".join(f"{path}: {fault.text.removeprefix(': ')}" for fault in faults))
            return dict(entries.get(name, {}))
    return {}
