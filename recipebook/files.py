"""Files that are either whole or absent, and names made of their content."""

import errno
import fcntl
import glob
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from recipebook.errors import UserError

DIGEST_CHARS = 16
MOST_LINKS = 40


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open what becomes the content of `path`: a neighbour, on success flushed to disk and renamed over the file.

    Where `path` is a link, the file that it leads to is replaced. Devices, pipes and this process's own descriptors,
    such as /dev/stdout, are written as they are. What the system refuses is an OSError with `path` as its file.
    """
    try:
        with _open_stream(path) or _replacing_file(path) as file:
            yield file
    except OSError as error:
        # Writes that fail do not say for which file.
        if error.filename is None and not isinstance(error, BrokenPipeError):
            error.filename = str(path)
        raise


@contextmanager
def _replacing_file(path: Path) -> Iterator[IO[bytes]]:
    target = Path(os.path.realpath(path))
    refusal = errno.EISDIR if target.is_dir() else errno.ELOOP if target.is_symlink() else None
    if refusal:
        raise OSError(refusal, os.strerror(refusal), str(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    _sweep(target)
    try:
        with temporary.open("wb") as file:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        # Of the neighbour nobody has heard.
        error.filename = str(path) if error.filename == str(temporary) else error.filename
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sweep(target: Path) -> None:
    """Remove what killed writers of the same file left; a lock shows that one lives on another machine."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        with suppress(OSError, ValueError):
            if Path("/proc", str(int(path.name.split(".")[-2]))).exists():
                continue
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _open_stream(path: Path) -> IO[bytes] | None:
    """Open what cannot be renamed over; None for a file, also for one that does not exist yet."""
    descriptor = _find_descriptor(path)
    if descriptor is not None:
        return os.fdopen(os.dup(descriptor), "wb")
    kind = path.stat().st_mode if path.exists() else stat.S_IFREG
    return None if stat.S_ISREG(kind) or stat.S_ISDIR(kind) else path.open("wb")


def _find_descriptor(path: Path) -> int | None:
    """The descriptor that /dev/stdout, /dev/fd/7 or a link to one stands for, on systems where these are links."""
    own = os.path.realpath("/proc/self/fd")
    for _ in range(MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder == own and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder, path.readlink())
    return None


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, all or nothing."""
    with replacing(path) as file:
        file.write(text.encode())


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's content, all or nothing."""
    with source.open("rb") as content, replacing(target) as file:
        shutil.copyfileobj(content, file)


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
