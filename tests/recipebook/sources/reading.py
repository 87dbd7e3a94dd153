"""What the tests of sources share: two records, JSON Lines and archives of them, and a source as it is read."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.records import place
from recipebook.sources.inputs import find_inputs

TWO = [{"a": "1"}, {"a": "é"}]
LINES = b"".join(json.dumps(record).encode() + b"\n" for record in TWO)


def read_all(root: Path, source: str) -> list[tuple[str, Any]]:
    found = [(each.name, record) for each in find_inputs(source, root) for record in each.read({})]
    return [
        (place(name, each), each.value if isinstance(each.value, dict) else str(each.value)) for name, each in found
    ]


def refuse(root: Path, source: str) -> str:
    with pytest.raises(UserError) as error:
        read_all(root, source)
    return str(error.value)


def pack_tar(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def pack_zip(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # Without the time of day, which would be another in each process that collects the tests.
            archive.writestr(zipfile.ZipInfo(name.replace("_", ".")), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
