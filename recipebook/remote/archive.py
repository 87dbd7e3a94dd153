"""A packed adapter from a service in; its checked files in a folder out.

In: a tar (plain, gz or zst) or a zip. Out: the files beside its one `adapter_config.json`, flat in a folder:

    adapter_config.json, adapter_model.safetensors, tokenizer.json, …

Only safetensors and text are taken, as other weights may run code when they are loaded; the names of the others are
returned. An archive with a name that leads outside, with a link, with very many files or larger than the limit is
refused.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from recipebook.errors import UserError, on_one_line
from recipebook.run.adapter_names import CONFIG, WEIGHTS
from recipebook.sources.zips import MOST_FILES, open_zip

WANTED = (".safetensors", ".json", ".jinja", ".txt", ".model", ".md")
LARGEST = 16 << 30
LARGEST_TEXT = 256 << 20
LARGEST_HEADER = 1 << 20
_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
# A broken archive may lead Python's modules to any of these.
_BROKEN = (
    tarfile.TarError,
    zstandard.ZstdError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
)


def unpack_adapter(archive: Path, folder: Path) -> list[str]:
    """Write the adapter's files into `folder`; returns the names of the files that were left out."""
    kept: dict[str, PurePosixPath] = {}
    left_out: list[str] = []
    room = LARGEST
    try:
        for name, stream in _read_members(archive, folder):
            path = _check_name(name, archive)
            if path.suffix not in WANTED:
                left_out.append(name)
                continue
            if path.name in kept:
                raise UserError(f"{archive.name}: holds {kept[path.name]} and {path}: which of them is the adapter's?")
            kept[path.name] = path
            room -= _copy(stream, folder / path.name, min(room, LARGEST if "safe" in path.suffix else LARGEST_TEXT))
    except _BROKEN as error:
        raise UserError(f"{archive.name}: no whole archive: {on_one_line(str(error))}") from None
    for needed in (CONFIG, WEIGHTS):
        if needed not in kept:
            listed = ", ".join([*kept, *left_out]) or "nothing"
            raise UserError(f"{archive.name}: holds no {needed}; it has: {listed}")
    return left_out


def _read_members(archive: Path, folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with archive.open("rb") as raw:
        start = raw.read(4)
    if start == b"PK\x03\x04":
        with archive.open("rb") as file, open_zip(file, archive.name) as packed:
            for info in packed.infolist():
                # The upper half holds the file's kind on Unix; 0o120000 is a link.
                if info.external_attr >> 28 == 0o12:
                    raise UserError(f"{archive.name}: {info.filename} is a link")
                if not info.is_dir():
                    with packed.open(info) as stream:
                        yield info.filename, stream
        return
    with _open_stream(archive, start) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Entry) as tar:
        size = 0
        for count, member in enumerate(tar, 1):
            size += member.size
            if count > MOST_FILES or size > LARGEST:
                limit = f"{MOST_FILES} files" if count > MOST_FILES else f"{LARGEST >> 30} GiB"
                raise UserError(f"{archive.name}: no whole archive: holds more than {limit}")
            if not (member.isfile() or member.isdir()) or member.issparse():
                raise UserError(f"{archive.name}: {member.name} is a link or a device")
            content = tar.extractfile(_filter(member, folder, archive))
            if content:
                yield member.name, content


class _Entry(tarfile.TarInfo):
    """An entry whose name and attributes, which are read at once, have the length of such."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {self.size} bytes")
        # The place where Python's own documentation lets a subclass in.
        return super()._proc_member(tar)  # type: ignore[no-any-return, misc]


@contextmanager
def _open_stream(archive: Path, start: bytes) -> Iterator[IO[bytes]]:
    with archive.open("rb") as raw:
        if start == b"\x28\xb5\x2f\xfd":
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
                yield stream
        elif start[:2] == b"\x1f\x8b":
            with gzip.open(raw) as unzipped:
                yield unzipped  # type: ignore[misc]
        else:
            yield raw


def _filter(member: tarfile.TarInfo, folder: Path, archive: Path) -> tarfile.TarInfo:
    """Apply Python's own rules for untrusted archives as well."""
    try:
        return tarfile.data_filter(member, str(folder))
    except tarfile.FilterError as error:
        raise UserError(f"{archive.name}: {member.name!r} leads outside: {error}") from None


def _check_name(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise UserError(f"{archive.name}: {name!r} leads outside")
    return path


def _copy(stream: IO[bytes], out: Path, limit: int) -> int:
    """Copy at most `limit` bytes, counting them: the sizes that an archive states may be false."""
    with out.open("wb") as file:
        while chunk := stream.read(1 << 20):
            if file.tell() + len(chunk) > limit:
                raise UserError(f"{out.name}: larger than {limit >> 20} MiB unpacked")
            file.write(chunk)
        return file.tell()
