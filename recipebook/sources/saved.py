"""A folder that `datasets` saved: its Arrow files in order.

In: `data/chats`, with `state.json` in it:

    {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": "train", …}

Out: `data/chats/data-00000-of-00001.arrow`. A folder with several splits has `dataset_dict.json`, and such a folder for
each of them.
"""

import json
from pathlib import Path
from typing import Any

from recipebook.errors import UserError, on_one_line

STATE = "state.json"
SPLITS = "dataset_dict.json"


def is_saved(folder: Path) -> bool:
    """Whether `datasets` saved this folder."""
    return (folder / STATE).is_file() or (folder / SPLITS).is_file()


def list_splits(folder: Path, name: str) -> list[str]:
    """The names of the splits; none in the folder of one split alone."""
    return [] if (folder / STATE).is_file() else [str(split) for split in _read(folder / SPLITS, "splits", name)]


def list_files(folder: Path, name: str) -> list[Path]:
    """The Arrow files of the folder of one split."""
    # Old versions saved the order of the rows apart from the rows.
    if _read(folder / STATE, "_indices_data_files", name):
        raise UserError(f"{name}: its rows are chosen by an index; load and save it with a newer version of datasets")
    files = [Path(str(each["filename"])).name for each in _read(folder / STATE, "_data_files", name)]
    if missing := next((each for each in files if not (folder / each).is_file()), None):
        raise UserError(f"{name}: {STATE} lists {on_one_line(missing)}, which is not there")
    return [folder / each for each in files]


def _read(path: Path, key: str, name: str) -> list[Any]:
    """A list of a file that describes the folder; empty if it has none."""
    try:
        found = json.loads(path.read_bytes()).get(key)
        files = [each["filename"] for each in found or []] if key != "splits" else found
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{name}: {path.name} is not what datasets writes") from error
    if not isinstance(files, list):
        raise UserError(f"{name}: {path.name} is not what datasets writes")
    return list(found or [])
