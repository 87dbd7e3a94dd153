"""A file's bytes in blocks of UTF-8, unpacked on the way by its name's ending: `.gz`, `.zst`, `.xz`, or as they are.

In: `turns.jsonl.zst`, or `turns.zip/a.jsonl`, a file in an archive. Out: blocks of some 256 KiB. What is packed and
broken, cut short or far larger than it looks is a `UserError`, since records may be missing from it:

    turns.jsonl.zst: cannot be unpacked: cut short

UTF-16 and UTF-32 with a byte-order mark, as Excel and PowerShell write them, become UTF-8 with one.
"""

import codecs
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from recipebook.errors import UserError
from recipebook.sources.unpacking import PACKED, Blocks, unpack
from recipebook.sources.zips import find_archive, open_member

# Those of UTF-32 first, since one of them begins like one of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
KINDS = {stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket"}

# What is packed may grow by this factor at most, counted from `FREE` bytes on: enough for real data, too little for a
# bomb, of which 131 KB become 8 GiB.
RATIO = 250
FREE = 64 * 2**20


class Position:
    """How much of a file is read, in bytes as they lie on disk; readers keep it up to date."""

    def __init__(self) -> None:
        self.done = 0


def read_blocks(path: Path, name: str, position: Position) -> Blocks:
    """Yield the file's content, unpacked and as UTF-8; errors call it `name`."""
    return _decode(_read_unpacked(path, name, position), name)


def find_encoding(block: bytes) -> str | None:
    """The encoding, other than UTF-8, whose byte-order mark a file begins with."""
    return next((encoding for mark, encoding in MARKS if block.startswith(mark)), None)


@contextmanager
def open_file(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file for reading; an error of the system becomes a UserError."""
    try:
        kind = KINDS.get(stat.S_IFMT(path.stat().st_mode))
        if kind:
            raise UserError(f"{name}: is a {kind}, which cannot be read twice; save what comes out of it to a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise UserError(f"{name}: cannot be read: {error.strerror}") from error


def _read_unpacked(path: Path, name: str, position: Position) -> Blocks:
    archive = find_archive(path)
    with open_file(archive or path, name) as file:
        if archive:
            blocks, packed = open_member(file, path.relative_to(archive).as_posix(), name), True
        else:
            ending = path.suffix.lower()
            blocks, packed = unpack(file, ending, name), ending in PACKED
        size = 0
        for block in blocks:
            position.done = file.tell()
            size += len(block)
            if packed and size > FREE and size > RATIO * position.done:
                raise UserError(f"{name}: more than {RATIO} times as large unpacked; unpack it first if that is right")
            yield block


def _decode(blocks: Blocks, name: str) -> Blocks:
    first = next(blocks, b"")
    encoding = find_encoding(first)
    if encoding is None:
        yield first
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(first).encode()
        for block in blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise UserError(f"{name}: begins as {encoding[:6].upper()} and is not: {error.args[-1]}") from error
