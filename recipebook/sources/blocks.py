"""A file's bytes in blocks, decompressed on the way by its name's ending: `.gz`, `.zst`, or as they are.

In: `turns.jsonl.zst`. Out: blocks of some 256 KiB, unpacked. An archive that is broken or cut short is a
`UserError`, since records may be missing from it:

    turns.jsonl.zst: cannot be unpacked: cut short
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from recipebook.errors import UserError

BLOCK = 2**18
PACKED = (".gz", ".zst")

Blocks = Iterator[bytes]


class Position:
    """How much of a file is read, in bytes as they lie on disk; readers keep it up to date."""

    def __init__(self) -> None:
        self.done = 0


def read_blocks(path: Path, name: str, position: Position) -> Blocks:
    """Yield the file's content, unpacked; errors call it `name`."""
    with open_file(path, name) as file:
        for block in _unpack(file, path.suffix, name):
            position.done = file.tell()
            yield block


@contextmanager
def open_file(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file for reading; an error of the system becomes a UserError."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error


def _unpack(file: IO[bytes], ending: str, name: str) -> Blocks:
    match ending:
        case ".gz":
            return _unpack_gzip(file, name)
        case ".zst":
            return _unpack_zstandard(file, name)
        case _:
            return iter(lambda: file.read(BLOCK), b"")


def _unpack_gzip(file: IO[bytes], name: str) -> Blocks:
    try:
        with gzip.open(file) as unpacked:
            yield from iter(lambda: unpacked.read(BLOCK), b"")
    except EOFError as error:
        raise UserError(f"{name}: cannot be unpacked: cut short") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{name}: cannot be unpacked: {error}") from error


def _unpack_zstandard(file: IO[bytes], name: str) -> Blocks:
    import zstandard

    # Frame by frame: zstandard's own reader takes a file that is cut short for one that ends.
    frame = None
    try:
        while block := file.read(BLOCK):
            while block:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                if unpacked := frame.decompress(block):
                    yield unpacked
                block = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise UserError(f"{name}: cannot be unpacked: {error}") from error
    if frame:
        raise UserError(f"{name}: cannot be unpacked: cut short")
