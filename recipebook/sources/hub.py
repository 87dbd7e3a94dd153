"""A dataset of the Hugging Face hub, or one that `datasets` saved in a folder, as Arrow batches.

In: `hf:openai/gsm8k/main:train`, which is `hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]`, or `hf:FOLDER[:SPLIT]`. A split
must be named where there are several. Out: the rows that `datasets` keeps on disk, in batches, memory-mapped. The
digest is that of these files, so it changes with the content and not with the name.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recipebook.errors import UserError, take_first_line
from recipebook.files import digest, digest_file
from recipebook.libraries import leave_unreachable_hub
from recipebook.project import locate
from recipebook.records import Record, require_some
from recipebook.sources.arrow_files import BATCH, read_arrow_batches, read_batches
from recipebook.sources.blocks import Position
from recipebook.sources.saved import is_saved, list_files, list_splits

if TYPE_CHECKING:
    import datasets

PREFIX = "hf:"

_NAME = re.compile(
    r"(?P<path>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+))?(?:/(?P<config>[\w.-]+))?(?::(?P<split>[\w.-]+))?", re.ASCII
)


class Address(NamedTuple):
    """The parts of a source's name."""

    path: str
    revision: str | None = None
    config: str | None = None
    split: str | None = None


def read_address(name: str, root: Path) -> Address:
    """Take a source's name apart; a folder that is there from `root` wins over a name on the hub."""
    folder, _, split = name.removeprefix(PREFIX).partition(":")
    if folder and (found := locate(folder, root)).is_dir():
        return Address(str(found), split=split or None)
    named = _NAME.fullmatch(name.removeprefix(PREFIX))
    if not named:
        raise UserError(f"{name}: no such folder, and a dataset's name is hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]")
    return Address(**named.groupdict())


def read_dataset(address: Address, name: str, position: Position, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the rows of the dataset."""
    if is_saved(Path(address.path)):
        return require_some(_read_saved(address, name, position), name)
    table = _load(address, name).with_format("arrow")
    batches = (batch for chunk in table.iter(BATCH) for batch in chunk.to_batches())
    return require_some(read_batches(batches, name), name)


def digest_dataset(address: Address, name: str) -> str:
    """Hash the files that `datasets` keeps of it on disk."""
    if is_saved(Path(address.path)):
        return digest(*map(digest_file, _list_saved(address, name)))
    return digest(*(digest_file(Path(file["filename"])) for file in _load(address, name).cache_files))


def _read_saved(address: Address, name: str, position: Position) -> Iterator[Record]:
    files = _list_saved(address, name)
    return read_batches((batch for file in files for batch in read_arrow_batches(file, name, position)), name)


def _list_saved(address: Address, name: str) -> list[Path]:
    folder = Path(address.path)
    splits = list_splits(folder, name)
    return list_files(folder / _choose_split(splits, address, name) if splits else folder, name)


def _load(address: Address, name: str) -> "datasets.Dataset":
    leave_unreachable_hub()
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"{name}: needs the package 'datasets', which `make setup` installs") from error
    try:
        loaded: Any = datasets.load_dataset(address.path, address.config, revision=address.revision)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise UserError(f"{name}: the hub has no such dataset; a private one needs `hf auth login`") from error
    except Exception as error:  # whatever the library, the network or the hub has against it
        if os.environ.get("HF_HUB_OFFLINE") == "1":
            raise UserError(f"{name}: no network reaches the hub, whose cache does not have it") from error
        raise UserError(f"{name}: cannot be loaded: {take_first_line(error)}") from error
    return loaded[_choose_split(list(loaded), address, name)] if isinstance(loaded, dict) else loaded


def _choose_split(splits: Sequence[object], address: Address, name: str) -> str:
    known = [str(split) for split in splits]
    if address.split is None and len(known) == 1:
        return known[0]
    if address.split not in known:
        fault = f"no split '{address.split}'" if address.split else "has several splits"
        whole = name.removesuffix(f":{address.split}")
        whole = whole if whole.startswith(PREFIX) else f"{PREFIX}{whole}"
        raise UserError(f"{name}: {fault}; name one of: {', '.join(known)}, as in {whole}:{known[0]}")
    return address.split
