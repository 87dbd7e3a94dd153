"""A packed file in; its content out, in blocks, so that a file of any size takes the memory of a few blocks.

turns.jsonl.gz: cannot be unpacked: cut short
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from recipebook.errors import UserError, on_one_line

BLOCK = 2**18
PACKED = (".gz", ".zst", ".xz")

# Four bytes of zstandard may stand for 128 KiB, so that these become 64 MiB at the most.
PIECE = 2**11
# What the strongest setting of xz needs is 65 MiB.
XZ_MEMORY = 128 * 2**20

Blocks = Iterator[bytes]


def unpack(file: IO[bytes], ending: str, name: str) -> Blocks:
    """Yield the content of a file that is packed as its name's ending says, or not at all."""
    match ending:
        case ".gz":
            return _unpack_gzip(file, name)
        case ".zst":
            return _unpack_zstandard(file, name)
        case ".xz":
            return _unpack_xz(file, name)
        case _:
            return iter(lambda: file.read(BLOCK), b"")


@contextmanager
def naming_faults(name: str, *faults: type[Exception]) -> Iterator[None]:
    """Turn what unpacking raises into a UserError; `faults` are those of one format, besides a file cut short."""
    try:
        yield
    except EOFError as error:
        raise UserError(f"{name}: cannot be unpacked: cut short") from error
    except faults as error:
        raise UserError(f"{name}: cannot be unpacked: {on_one_line(str(error))}") from error


def _unpack_gzip(file: IO[bytes], name: str) -> Blocks:
    with naming_faults(name, gzip.BadGzipFile, zlib.error), gzip.open(file) as unpacked:
        yield from iter(lambda: unpacked.read(BLOCK), b"")


def _unpack_zstandard(file: IO[bytes], name: str) -> Blocks:
    import zstandard

    with naming_faults(name, zstandard.ZstdError):
        yield from _gather(_unpack_frames(file))


def _unpack_frames(file: IO[bytes]) -> Blocks:
    import zstandard

    # Frame by frame: zstandard's own reader takes a file that is cut short for one that ends.
    frame = None
    for block in iter(lambda: file.read(BLOCK), b""):
        for at in range(0, len(block), PIECE):
            piece = block[at : at + PIECE]
            while piece:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(piece)
                piece = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    if frame:
        raise EOFError


def _unpack_xz(file: IO[bytes], name: str) -> Blocks:
    import lzma

    decoder = None
    with naming_faults(name, lzma.LZMAError):
        for block in iter(lambda: file.read(BLOCK), b""):
            while block:
                decoder = decoder or lzma.LZMADecompressor(memlimit=XZ_MEMORY)
                yield decoder.decompress(block, BLOCK)
                while not (decoder.eof or decoder.needs_input):
                    yield decoder.decompress(b"", BLOCK)
                # Streams may be padded with zeros.
                block = decoder.unused_data.lstrip(b"\0") if decoder.eof else b""
                decoder = None if decoder.eof else decoder
        if decoder:
            raise EOFError


def _gather(pieces: Iterable[bytes]) -> Blocks:
    """Blocks of one size from pieces of any."""
    waiting, size = list[bytes](), 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= BLOCK:
            whole = b"".join(waiting)
            yield from (whole[at : at + BLOCK] for at in range(0, size, BLOCK))
            waiting, size = [], 0
    if size:
        yield b"".join(waiting)
