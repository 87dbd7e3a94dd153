"""A zip archive in; the names of its files, or the content of one, out.

    turns.zip: no whole archive: File is not a zip file

Files that are encrypted or packed in an unknown way, and lists of very many files, are refused.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from recipebook.errors import UserError, on_one_line
from recipebook.sources.unpacking import BLOCK, Blocks

if TYPE_CHECKING:
    import zipfile

ZIP = ".zip"
MOST_FILES = 10_000
# A file's entry takes some hundred bytes.
LARGEST_LIST = MOST_FILES * 256
# Stored and deflated.
METHODS = (0, 8)


def find_archive(path: Path) -> Path | None:
    """The archive in which a file lies: `turns.zip` for `turns.zip/a.jsonl`; None for a file of its own."""
    return next((folder for folder in path.parents if folder.suffix.lower() == ZIP and folder.is_file()), None)


def list_members(file: IO[bytes], name: str) -> list[str]:
    """The names of the files in an archive; those that macOS adds are left out."""
    with open_zip(file, name) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    for each in names:
        path = PurePosixPath(each)
        if path.is_absolute() or ".." in path.parts or str(path) != each:
            raise UserError(f"{name}: {on_one_line(repr(each))} is no name of a file in an archive")
    return [each for each in names if not each.startswith("__MACOSX/")]


def open_member(file: IO[bytes], member: str, name: str) -> Blocks:
    """Yield the content of one file."""
    with open_zip(file, name) as archive:
        try:
            info = archive.getinfo(member)
        except KeyError as error:
            raise UserError(f"{name}: the archive has no such file") from error
        with archive.open(info) as unpacked:
            yield from iter(lambda: unpacked.read(BLOCK), b"")


@contextmanager
def open_zip(file: IO[bytes], name: str) -> "Iterator[zipfile.ZipFile]":
    """Open an archive; whatever is wrong with it, or with a file read from it, is a UserError."""
    import zipfile

    try:
        with zipfile.ZipFile(cast(IO[bytes], _ListGuard(file))) as archive:
            _check_entries(archive.infolist())
            yield archive
    except (UserError, OSError) as error:
        if isinstance(error, UserError) or error.errno:
            raise
        raise UserError(f"{name}: no whole archive: {on_one_line(str(error))}") from error
    except _TooManyFilesError as error:
        raise UserError(f"{name}: no whole archive: lists more than {MOST_FILES} files") from error
    except Exception as error:  # encrypted, an unknown way of packing, and what a broken list leads zipfile to
        message = str(error).partition("\n")[0] or "cut short"
        raise UserError(f"{name}: no whole archive: {on_one_line(message)}") from error


def _check_entries(entries: "Sequence[zipfile.ZipInfo]") -> None:
    import zipfile

    if len(entries) > MOST_FILES:
        raise _TooManyFilesError
    for each in entries:
        if each.flag_bits & 1:
            raise zipfile.BadZipFile(f"{each.filename} is encrypted")
        # The others have no bound on what a single step of unpacking may become.
        if each.compress_type not in METHODS:
            raise zipfile.BadZipFile(f"{each.filename} is not packed by deflate, but by method {each.compress_type}")


class _TooManyFilesError(Exception):
    pass


class _ListGuard:
    """A file that zipfile may not ask for too much of at once, as it does for a long list of files."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if size > LARGEST_LIST:
            raise _TooManyFilesError
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
