"""The types of a file of rows, as `datasets` is to read it: no value changes, and no field is missed.

    {"messages": [{"role": "user", "content": "hi"}], "tools": [{…, "default": 1}]}          (for 10 MiB)
    {"messages": [{"role": "user", "content": "hi", "name": "Ann"}], "tools": [{…, "default": 2.5}]}
    → messages: list<struct<role: string, content: string, name: string>>; tools and meta as they are written

`datasets` takes the types from the first 10 MiB of a file, and fails at a field that comes later. In a column, Arrow
has one type: of 1 and 2.5 it makes 1.0 and 2.5, of 3 and "x" two texts, and all objects get the keys of all others in
one order. Tools would be trained as evaluation does not write them, so they are kept as JSON, and meta too.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    import pyarrow

BLOCK = 10 * 2**20
AS_WRITTEN = ("tools", "meta")
"""The columns in which rows may differ in their types."""


class RowTypes(NamedTuple):
    """The types of the columns that all rows share, and the columns that are kept as JSON."""

    shared: "pyarrow.Schema"
    as_written: tuple[str, ...]


def take_all_types() -> None:
    """Let Axolotl load a file of rows with the types of all of them."""
    from axolotl.utils.data import shared

    if not hasattr(shared.load_dataset, "with_all_types"):
        load = shared.load_dataset

        def load_dataset(kind: str, *names: Any, **settings: Any) -> Any:
            path = settings.get("data_files")
            types = find_types(Path(path)) if kind == "json" and isinstance(path, str) and not names else None
            return load(kind, *names, **settings, **({"features": name_features(types)} if types else {}))

        load_dataset.with_all_types = True  # type: ignore[attr-defined]
        shared.load_dataset = load_dataset


def find_types(path: Path, block: int = BLOCK) -> RowTypes | None:
    """The types of all rows in a file; None where those of their shared columns do not go together."""
    import pyarrow
    from pyarrow import json

    if not path.is_file():
        return None
    found = []
    seen: set[str] = set()
    try:
        with path.open("rb") as file:
            while lines := file.read(block):
                rows = [orjson.loads(line) for line in (lines + file.readline()).splitlines()]
                seen.update(key for row in rows for key in AS_WRITTEN if row.pop(key, None) is not None)
                text = b"\n".join(map(orjson.dumps, rows))
                whole = json.ReadOptions(block_size=len(text) + 1)
                found.append(json.read_json(io.BytesIO(text), read_options=whole).schema)
        shared = pyarrow.unify_schemas(found, promote_options="permissive") if found else None
    except (pyarrow.ArrowException, ValueError, AttributeError):
        # Rows of a method of one's own, which their reader knows.
        return None
    return None if shared is None else RowTypes(shared, tuple(key for key in AS_WRITTEN if key in seen))


def name_features(types: RowTypes) -> Any:
    """The types in the words of `datasets`, which then reads and writes JSON with all digits of its numbers."""
    from datasets import Features, Json, arrow_writer
    from datasets.features import features
    from datasets.packaged_modules.json import json as reader
    from datasets.utils import json as library

    for module in (library, features, reader, arrow_writer):
        vars(module).update(ujson_loads=orjson.loads, ujson_dumps=lambda value: orjson.dumps(value).decode())
    return Features({**Features.from_arrow_schema(types.shared), **{key: Json() for key in types.as_written}})
