"""A source, as a recipe or a command names it, to inputs: one or several, in a fixed order.

In: a file, a glob (`data/*.jsonl.zst`), a folder (all data files in it, or what `datasets` saved there), a zip archive
(all data files in it) or a dataset of the hub (`hf:owner/name`):

    samples/robot.json

Out: an `Input` a file. What a file is follows from its ending, in capitals or not, before `.gz`, `.zst` or `.xz`:
`.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` and `.txt` are those; anything else is JSON, whose layout follows from
its content.
"""

import glob
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.files import digest, digest_file
from recipebook.project import find_root
from recipebook.records import Record
from recipebook.sources.arrow_files import read_arrow, read_parquet
from recipebook.sources.blocks import Position, open_file
from recipebook.sources.hub import PREFIX, digest_dataset, read_address, read_dataset
from recipebook.sources.json_files import read, read_text
from recipebook.sources.saved import is_saved
from recipebook.sources.tables import read_tabbed_table, read_table
from recipebook.sources.unpacking import PACKED
from recipebook.sources.zips import ZIP, find_archive, list_members

MADE = "stage:"
READERS: Mapping[str, Callable[[Path, str, Position, dict[str, str]], Iterator[Record]]] = {
    ".csv": read_table,
    ".tsv": read_tabbed_table,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".txt": read_text,
}
UNPACKED_ONLY = (".parquet", ".arrow", ".feather")
JSON = (".json", ".jsonl", ".ndjson")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
SPLITS = ("train", "test", "validation", "valid", "val", "dev", "eval")


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
        if path is None or path.suffix.lower() in (*PACKED, ZIP) or _find_kind(path):
            return None
        return path


def find_inputs(source: str, root: Path) -> list[Input]:
    """The inputs that a source names, from `root`; a name without a file is refused."""
    if (address := _ADDRESS.match(source)) and not source.startswith(PREFIX):
        # Without the rest of it, which may hold a key.
        raise UserError(f"{address[0]}…: addresses are not read; download the file, or name a dataset as hf:OWNER/NAME")
    root = find_root(source, root)
    if source.startswith(PREFIX) or is_saved(root / source):
        return [_make_dataset(source, root)]
    if (root / source).is_dir():
        names = [f"{source.rstrip('/')}/{path.name}" for path in (root / source).iterdir() if _is_data(path)]
        missing = f"{source}: holds no data file; they end in {', '.join([*JSON, *READERS])}"
        _check_splits(source, names, f", or all of them by a pattern such as {source.rstrip('/')}/*")
    elif _is_pattern(source, root):
        # A pattern may be absolute or begin with `..`, which Path.glob refuses.
        found = glob.glob(source, root_dir=root, recursive=True)  # noqa: PTH207
        names = [name for name in found if (root / name).is_file()]
        missing = f"{source}: no file fits"
    else:
        return _open_archive(root / source, source)
    if not names:
        raise UserError(missing)
    return _require_one_kind([each for name in sorted(names) for each in _open_archive(root / name, name)], source)


def make_input(path: Path, name: str) -> Input:
    """One file as an input; errors and origins call it `name`."""
    position = Position()
    reads = partial(READERS.get(_find_kind(path), read), path, name, position)
    return Input(name, reads, partial(_digest, path, name), find_archive(path) or path, position)


def names_one_file(source: str, root: Path) -> bool:
    """Whether a source is the name of one file, existing or not, rather than of several."""
    root = find_root(source, root)
    several = source.startswith(PREFIX) or (root / source).is_dir() or find_archive(root / source)
    return not (several or _is_pattern(source, root))


def note_deeper(source: str, inputs: list[Input]) -> dict[str, str]:
    """A note of the data files in folders inside a folder that is a source: they are not read."""
    folder = inputs[0].path.parent if inputs[0].path else Path()
    if PurePath(source) != PurePath(inputs[0].name).parent or not folder.is_dir():
        return {}
    inside = [path.relative_to(folder) for path in folder.glob("*/**/*") if _is_data(path)]
    shown = sorted(path.as_posix() for path in inside if not any(part.startswith(".") for part in path.parts))
    if not shown:
        return {}
    name = PurePath(source).as_posix()
    found = f"data files in folders inside it are not read ({len(shown)}, such as {on_one_line(shown[0])})"
    return {f"deeper {name}": f"{name}: {found}; the pattern {name}/**/*{PurePath(shown[0]).suffix} has them"}


def measure(inputs: list[Input]) -> tuple[int, int]:
    """How many bytes of the inputs are read, and how many there are; 0 of 0 if that is not known."""
    paths = [each.path for each in inputs if each.path and each.path.is_file()]
    return sum(each.position.done for each in inputs), sum(path.stat().st_size for path in paths)


def digest_inputs(inputs: list[Input]) -> str:
    """Hash all inputs by content, and several also by name, since origins name them."""
    if len(inputs) == 1:
        return inputs[0].digest()
    return digest(*(part for each in inputs for part in (each.name, each.digest())))


def _make_dataset(source: str, root: Path) -> Input:
    address, position = read_address(source, root), Position()
    reads, hashes = partial(read_dataset, address, source, position), partial(digest_dataset, address, source)
    return Input(source, reads, hashes, None, position)


def _open_archive(path: Path, name: str) -> list[Input]:
    """One file as an input, or each data file of a zip archive."""
    if path.suffix.lower() != ZIP or not path.is_file():
        return [make_input(path, name)]
    with open_file(path, name) as file:
        members = [member for member in list_members(file, name) if _has_data_name(PurePosixPath(member))]
    if not members:
        raise UserError(f"{name}: holds no data file; they end in {', '.join([*JSON, *READERS])}")
    if other := next((member for member in members if Path(member).suffix.lower() in (*PACKED, *UNPACKED_ONLY)), None):
        raise UserError(f"{name}: {on_one_line(other)} is packed twice; unpack the archive first")
    _check_splits(name, [f"{name}/{member}" for member in members])
    return _require_one_kind([make_input(path / member, f"{name}/{member}") for member in sorted(members)], name)


def _require_one_kind(inputs: list[Input], source: str) -> list[Input]:
    kinds = {_find_kind(Path(each.name)): each.name for each in reversed(inputs)}
    if len(kinds) > 1:
        one, other, *_ = sorted(kinds.values())
        raise UserError(f"{source}: holds files of several kinds, such as {one} and {other}; name those of one")
    return inputs


def _check_splits(folder: str, names: list[str], otherwise: str = "") -> None:
    """Refuse a folder or an archive that has files of train and of test: all of them would be trained on."""
    first = {re.split(r"[-_.]", Path(name).name.lower())[0]: name for name in sorted(names, reverse=True)}
    found = [first[split] for split in SPLITS if split in first]
    if len(found) > 1:
        raise UserError(
            f"{folder}: holds files of several splits, such as {found[0]} and {found[1]}; name those of one{otherwise}"
        )


def _is_pattern(source: str, root: Path) -> bool:
    # A file may have brackets in its name.
    return glob.has_magic(source) and not (root / source).exists()


def _find_kind(path: PurePath) -> str:
    """The ending of a table or text, without that of its packing; empty for JSON."""
    ending = _find_ending(path)
    return ending if ending in READERS else ""


def _find_ending(path: PurePath) -> str:
    return (path.with_suffix("") if path.suffix.lower() in PACKED else path).suffix.lower()


def _is_data(path: Path) -> bool:
    # A link to nothing is an error where it is read.
    return (path.is_file() or (path.is_symlink() and not path.exists())) and _has_data_name(path, ZIP)


def _has_data_name(path: PurePath, *more: str) -> bool:
    return not path.name.startswith(".") and _find_ending(path) in (*JSON, *READERS, *more)


def _digest(path: Path, name: str) -> str:
    archive = find_archive(path)
    with open_file(archive or path, name):
        # A file of an archive changes with the archive, and is not another file of it.
        whole = digest_file(archive or path)
    return digest(whole, path.relative_to(archive).as_posix()) if archive else whole
