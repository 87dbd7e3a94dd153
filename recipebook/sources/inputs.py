"""A source, as a recipe or a command names it, to inputs: one or several, in a fixed order.

In: a file, a glob (`data/*.jsonl.zst`), a folder (all data files in it) or a dataset of the hub (`hf:owner/name`):

    samples/robot.json

Out: an `Input` a file. What a file is follows from its ending, before `.gz` or `.zst`: `.csv`, `.parquet` and `.txt`
are those; anything else is JSON, whose layout follows from its content.
"""

import glob
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.files import digest, digest_file
from recipebook.records import Record
from recipebook.sources.blocks import PACKED, Position
from recipebook.sources.hub import PREFIX, digest_dataset, read_address, read_dataset
from recipebook.sources.json_files import read, read_text
from recipebook.sources.tables import read_csv, read_parquet

MADE = "stage:"
READERS = {".csv": read_csv, ".parquet": read_parquet, ".txt": read_text}
JSON = (".json", ".jsonl", ".ndjson")


class Input(NamedTuple):
    """One thing to read: its name in errors and origins, how to read it (oddities go to the notes), its hash."""

    name: str
    read: Callable[[dict[str, str]], Iterator[Record]]
    digest: Callable[[], str]
    path: Path | None
    """The file, where there is one."""
    position: Position
    """How far it is read."""

    @property
    def plain(self) -> Path | None:
        """The file, where it is JSON as it lies on disk, so that several processes may share it."""
        path = self.path
        return path if path and path.suffix not in PACKED and not _find_kind(path) else None


def find_inputs(source: str, root: Path) -> list[Input]:
    """The inputs that a source names, from `root`; a name without a file is refused."""
    if source.startswith(PREFIX):
        address = read_address(source, root)
        reads, hashes = partial(read_dataset, address, source), partial(digest_dataset, address, source)
        return [Input(source, reads, hashes, None, Position())]
    if (root / source).is_dir():
        names = [f"{source.rstrip('/')}/{path.name}" for path in (root / source).iterdir() if _is_data(path)]
        missing = f"{source}: holds no data file; they end in {', '.join([*JSON, *READERS])}"
    elif _is_pattern(source, root):
        # A pattern may be absolute or begin with `..`, which Path.glob refuses.
        found = glob.glob(source, root_dir=root, recursive=True)  # noqa: PTH207
        names = [name for name in found if (root / name).is_file()]
        missing = f"{source}: no file fits"
    else:
        return [make_input(root / source, source)]
    if not names:
        raise UserError(missing)
    kinds = {_find_kind(Path(name)): name for name in sorted(names, reverse=True)}
    if len(kinds) > 1:
        one, other, *_ = sorted(kinds.values())
        raise UserError(f"{source}: holds files of several kinds, such as {one} and {other}; name those of one")
    return [make_input(root / name, name) for name in sorted(names)]


def make_input(path: Path, name: str) -> Input:
    """One file as an input; errors and origins call it `name`."""
    position = Position()
    reads = partial(READERS.get(_find_kind(path), read), path, name, position)
    return Input(name, reads, partial(_digest, path, name), path, position)


def names_one_file(source: str, root: Path) -> bool:
    """Whether a source is the name of one file, existing or not, rather than of several."""
    return not (source.startswith(PREFIX) or (root / source).is_dir() or _is_pattern(source, root))


def measure(inputs: list[Input]) -> tuple[int, int]:
    """How many bytes of the inputs are read, and how many there are; 0 of 0 if that is not known."""
    paths = [each.path for each in inputs if each.path and each.path.is_file()]
    return sum(each.position.done for each in inputs), sum(path.stat().st_size for path in paths)


def digest_inputs(inputs: list[Input]) -> str:
    """Hash all inputs by content, and several also by name, since origins name them."""
    if len(inputs) == 1:
        return inputs[0].digest()
    return digest(*(part for each in inputs for part in (each.name, each.digest())))


def _is_pattern(source: str, root: Path) -> bool:
    # A file may have brackets in its name.
    return glob.has_magic(source) and not (root / source).exists()


def _find_kind(path: Path) -> str:
    """The ending of a table or text, without that of its packing; empty for JSON."""
    ending = path.with_suffix("").suffix if path.suffix in PACKED else path.suffix
    return ending if ending in READERS else ""


def _is_data(path: Path) -> bool:
    ending = path.with_suffix("").suffix if path.suffix in PACKED else path.suffix
    return path.is_file() and not path.name.startswith(".") and ending in (*JSON, *READERS)


def _digest(path: Path, name: str) -> str:
    try:
        return digest_file(path)
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error
