"""Files that unpack to far more than they are: each ends in one line, within seconds and little memory."""

import gzip
import io
import lzma
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.sources.extents import LARGEST_VALUE

MEMORY, SECONDS = 512, 10

READ = """
import sys, time
from pathlib import Path
from recipebook.errors import UserError
from recipebook.sources.inputs import find_inputs
begun = time.process_time()
try:
    for each in find_inputs(sys.argv[1], Path(sys.argv[2])):
        for record in each.read({}):
            pass
    print("read")
except UserError as error:
    print(error)
# The most that this process had; getrusage would tell of the one that started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024, time.process_time() - begun)
"""


def read(path: Path, seconds: float = SECONDS) -> str:
    """Read a source in a process of its own, within the limits of memory and time; returns what it ended in."""
    command = [sys.executable, "-c", READ, path.name, str(path.parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    message, used = done.stdout.splitlines()
    memory, taken = used.split()
    assert int(memory) <= MEMORY and float(taken) <= seconds, used
    return message


def make_zstandard(sign: bytes, count: int) -> bytes:
    """A frame of blocks that each repeat one byte 131,072 times, in four bytes."""
    block = (131072 << 3 | 2).to_bytes(3, "little") + sign
    last = (131072 << 3 | 3).to_bytes(3, "little") + sign
    return b"\x28\xb5\x2f\xfd\x00\x38" + block * (count - 1) + last


def make_zip(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", content)
    return packed.getvalue()


# More than the largest value of a record may have, and a million records: their time grows with their number alone.
VALUE, RECORDS = LARGEST_VALUE + 2**20, 2**22
EIGHT_GIB = make_zstandard(b"x", 65536)
REFUSED = "more than 250 times as large unpacked; unpack it first if that is right"


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("x.jsonl.zst", lambda: EIGHT_GIB),
        ("x.csv.zst", lambda: make_zstandard(b",", 65536)),
        ("x.jsonl.gz", lambda: gzip.compress(bytes(2**26), 6) * 20),
        ("x.json.xz", lambda: lzma.compress(b"\n" * 2**25, preset=0) * 20),
        ("a.zip", lambda: make_zip(b" " * 2**27)),
    ],
)
def test_bomb_is_refused(tmp_path: Path, name: str, make: Callable[[], bytes]) -> None:
    (tmp_path / name).write_bytes(make())
    inner = "/a.jsonl" if name == "a.zip" else ""
    assert read(tmp_path / name) == f"{name}{inner}: {REFUSED}"


@pytest.mark.long
@pytest.mark.parametrize("name", ["x.jsonl", "x.txt", "x.csv", "x.tsv"])
@pytest.mark.parametrize("sign", [b"\0", b"\n", b" ", b"[", b"{", b'"', b"1", b",", b"\t", b"\r"])
def test_no_byte_makes_a_bomb(tmp_path: Path, name: str, sign: bytes) -> None:
    (tmp_path / f"{name}.zst").write_bytes(make_zstandard(sign, 65536))
    assert read(tmp_path / f"{name}.zst").startswith(f"{name}.zst:")


@pytest.mark.long
@pytest.mark.parametrize(
    ("begun", "repeated", "size"),
    [
        (b'[{"a":[', b"[],", VALUE),
        (b'[{"a":[', b"{},", VALUE),
        (b'{"a":[', b"1,", VALUE),
        (b'a,b\n"', b'","\n', VALUE),
        (b'{"data":[{"a":1},', b'{"a":1},', RECORDS),
        (b'{\n"0":{},', b'"1":{},', RECORDS),
        (b'{\n"a":1,', b'"a":1,', RECORDS),
        (b"", b"[1]\n", RECORDS),
    ],
)
def test_no_value_takes_the_memory_of_many(tmp_path: Path, begun: bytes, repeated: bytes, size: int) -> None:
    path = tmp_path / ("x.csv.gz" if begun.startswith(b"a,b") else "x.json.gz")
    path.write_bytes(gzip.compress(begun + repeated * (size // len(repeated)), 6))
    assert "\n" not in read(path, seconds=60)


def test_much_data_that_packs_well_is_read(tmp_path: Path) -> None:
    line = b'{"input": "stop", "output": "robot.stop()"}\n'
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(line * 100_000))
    assert read(tmp_path / "x.jsonl.gz") == "read"
