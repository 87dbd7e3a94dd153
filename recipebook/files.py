"""Files that are either whole or absent, and names made of their content."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from recipebook.errors import UserError

DIGEST_CHARS = 16


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path` for writing; on success flush it to disk and rename it over `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, all or nothing."""
    with replacing(path) as file:
        file.write(text.encode())


def digest(*parts: bytes | str) -> str:
    """Hash of the parts in order, 16 hexadecimal characters; ("ab", "c") and ("a", "bc") differ."""
    hasher = hashlib.blake2b(digest_size=DIGEST_CHARS // 2)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def digest_file(path: Path) -> str:
    """Hash of a file's bytes, 16 hexadecimal characters, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST_CHARS // 2)).hexdigest()


def check_published(path: Path, sha256: str, what: str) -> None:
    """Refuse a file that was published with another hash: `models/x.gguf: not the published model: SHA-256 …`"""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise UserError(f"{path}: not {what}: SHA-256 {found}, expected {sha256}")
