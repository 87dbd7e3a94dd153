"""A packed adapter is taken apart, and what may harm is refused."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from recipebook.errors import UserError
from recipebook.remote.archive import unpack_adapter

GOOD = {"a/adapter_config.json": b"{}", "a/adapter_model.safetensors": b"weights", "a/args.bin": b"pickle"}


def tar(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            packed.addfile(info, io.BytesIO(content))
    return plain.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return plain.getvalue()


def unpack(content: bytes, folder: Path) -> list[str]:
    archive, out = folder / "adapter.packed", folder / "out"
    archive.write_bytes(content)
    out.mkdir()
    return unpack_adapter(archive, out)


@pytest.mark.parametrize(
    "content",
    [tar(GOOD), gzip.compress(tar(GOOD)), zstandard.compress(tar(GOOD)), zipped(GOOD)],
    ids=["tar", "gz", "zst", "zip"],
)
def test_weights_and_text_are_taken_flat_and_pickles_are_left_out(content: bytes, tmp_path: Path) -> None:
    assert unpack(content, tmp_path) == ["a/args.bin"]
    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found == {"adapter_config.json": b"{}", "adapter_model.safetensors": b"weights"}


@pytest.mark.parametrize("pack", [tar, zipped])
@pytest.mark.parametrize("name", ["../adapter_config.json", "/tmp/adapter_config.json", "a/../../x.json"])
def test_a_name_that_leads_outside_refuses_the_whole(pack: object, name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="leads outside"):
        unpack(pack({name: b"{}"}), tmp_path)  # type: ignore[operator]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter.packed", "out"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_refuse_the_whole(kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a link or a device"):
        unpack(tar({"adapter_model.safetensors": b""}, kind), tmp_path)


def test_a_link_in_a_zip_refuses_the_whole(tmp_path: Path) -> None:
    plain, info = io.BytesIO(), zipfile.ZipInfo("adapter_model.safetensors")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(plain, "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(UserError, match="is a link"):
        unpack(plain.getvalue(), tmp_path)


def test_weights_that_run_code_are_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"no adapter_model\.safetensors; it has: adapter_config\.json, adapter_model\.bin"
    ):
        unpack(tar({"adapter_config.json": b"{}", "adapter_model.bin": b"pickle"}), tmp_path)


def test_two_adapters_in_one_archive_are_ambiguous(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds a/adapter_config\.json and b/adapter_config\.json"):
        unpack(tar({**GOOD, "b/adapter_config.json": b"{}"}), tmp_path)


def test_a_bomb_is_stopped_by_what_comes_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipebook.remote.archive.LARGEST_TEXT", 1 << 20)
    with pytest.raises(UserError, match="larger than 1 MiB unpacked"):
        unpack(zstandard.compress(tar({"adapter_config.json": bytes(3 << 20)})), tmp_path)


MANY = {f"{number}.bin": b"" for number in range(10_001)}
LONG_NAME = tarfile.TarInfo("x" * (2 << 20)).tobuf(tarfile.GNU_FORMAT)


def pack_oddly() -> bytes:
    odd = io.BytesIO()
    with zipfile.ZipFile(odd, "w", zipfile.ZIP_BZIP2) as packed:
        packed.writestr("adapter_config.json", "{}")
    return odd.getvalue()


def encrypt() -> bytes:
    # The first bit of the flags, in the file's own header and in the list of files.
    locked = bytearray(zipped({"adapter_config.json": b"{}"}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    return bytes(locked)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (tar(MANY), "holds more than 10000 files"),
        (zipped(MANY), "lists more than 10000 files"),
        (zstandard.compress(LONG_NAME), "a header of 2097153 bytes"),
        (pack_oddly(), r"adapter_config\.json is not packed by deflate, but by method 12"),
        (encrypt(), r"adapter_config\.json is encrypted"),
    ],
    ids=["tar", "zip", "name", "bzip2", "encrypted"],
)
def test_hostile_and_odd_archives_are_none(content: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"adapter.packed: no whole archive: {why}"):
        unpack(content, tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", zstandard.compress(tar(GOOD))[:-9], zipped(GOOD)[:-9]],
    ids=["nothing", "page", "zst", "zip"],
)
def test_half_an_archive_is_none(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no whole archive"):
        unpack(content, tmp_path)
