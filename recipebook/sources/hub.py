"""A dataset of the Hugging Face hub, or one that `datasets` saved in a folder, as Arrow batches.

In: `hf:openai/gsm8k/main:train`, which is `hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]`, or `hf:FOLDER[:SPLIT]`. A split
must be named where there are several. Out: the rows that `datasets` keeps on disk, in batches, memory-mapped. The
digest is that of these files, so it changes with the content and not with the name.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.files import digest, digest_file
from recipebook.records import Record, require_some
from recipebook.sources.tables import BATCH, read_batches

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
    if folder and (root / folder).is_dir():
        return Address(str(root / folder), split=split or None)
    found = _NAME.fullmatch(name.removeprefix(PREFIX))
    if not found:
        raise UserError(f"{name}: no such folder, and a dataset's name is hf:OWNER/NAME[@REVISION][/CONFIG][:SPLIT]")
    return Address(**found.groupdict())


def read_dataset(address: Address, name: str, notes: dict[str, str]) -> Iterator[Record]:
    """Yield the rows of the dataset."""
    table = _load(address, name).with_format("arrow")
    batches = (batch for chunk in table.iter(BATCH) for batch in chunk.to_batches())
    return require_some(read_batches(batches), name)


def digest_dataset(address: Address, name: str) -> str:
    """Hash the files that `datasets` keeps of it on disk."""
    return digest(*(digest_file(Path(file["filename"])) for file in _load(address, name).cache_files))


def _load(address: Address, name: str) -> "datasets.Dataset":
    try:
        import datasets
    except ImportError as error:
        raise UserError(f"{name}: needs the package 'datasets', which `make setup` installs") from error
    try:
        if Path(address.path, "state.json").exists() or Path(address.path, "dataset_dict.json").exists():
            loaded: Any = datasets.load_from_disk(address.path)
        else:
            loaded = datasets.load_dataset(address.path, address.config, revision=address.revision)
    except Exception as error:  # whatever the library, the network or the hub has against it
        message = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{name}: cannot be loaded: {on_one_line(message)}") from error
    return _choose_split(loaded, address, name)


def _choose_split(loaded: Any, address: Address, name: str) -> "datasets.Dataset":
    if not isinstance(loaded, dict):
        return loaded
    if address.split is None and len(loaded) == 1:
        return next(iter(loaded.values()))
    if address.split not in loaded:
        fault = f"no split '{address.split}'" if address.split else "has several splits"
        known = [str(split) for split in loaded]
        whole = name.removesuffix(f":{address.split}")
        raise UserError(f"{name}: {fault}; name one of: {', '.join(known)}, as in {whole}:{known[0]}")
    return loaded[address.split]
