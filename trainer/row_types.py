"""The types of a file of rows of which only late ones have some field, such as a mark, a name or a call.

    {"messages": [{"role": "user", "content": "hi"}]}      (and so on for 10 MiB)
    {"messages": [{"role": "user", "content": "hi", "name": "Ann"}]}
    → messages: list<struct<role: string, content: string, name: string>>

`datasets` takes the types from the first 10 MiB of a file, and fails at a field that comes later.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow

BLOCK = 10 * 2**20


def take_all_types() -> None:
    """Let Axolotl load a big file of rows with the types of all of them."""
    from axolotl.utils.data import shared

    if not hasattr(shared.load_dataset, "with_all_types"):
        load = shared.load_dataset

        def load_dataset(kind: str, *names: Any, **settings: Any) -> Any:
            path = settings.get("data_files")
            types = find_types(Path(path)) if kind == "json" and isinstance(path, str) and not names else None
            return load(kind, *names, **settings, **({"features": _name_features(types)} if types else {}))

        load_dataset.with_all_types = True  # type: ignore[attr-defined]
        shared.load_dataset = load_dataset


def find_types(path: Path, block: int = BLOCK) -> "pyarrow.Schema | None":
    """The types of all rows in a file; None where the first block has them all, or they do not go together."""
    import pyarrow
    from pyarrow import json

    if not path.is_file() or path.stat().st_size <= block:
        return None
    found = []
    try:
        with path.open("rb") as file:
            while lines := file.read(block):
                lines += file.readline()
                whole = json.ReadOptions(block_size=len(lines) + 1)
                found.append(json.read_json(io.BytesIO(lines), read_options=whole).schema)
        return pyarrow.unify_schemas(found, promote_options="permissive")
    except pyarrow.ArrowException:
        return None


def _name_features(types: "pyarrow.Schema") -> Any:
    from datasets import Features

    return Features.from_arrow_schema(types)
