"""A conversion on several processors that is killed: nothing of it lives on and holds what others wait for."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
CONVERT = """
import sys
from pathlib import Path
from recipebook.data import conversion

conversion.SPAN = 4096
conversion.convert_file("slow", "rows.jsonl", Path("out.jsonl"), {}, "0")
"""
SLOW = """
import time
from converters.chat import Options
from converters.chat import convert as convert_chat

def convert(record, options):
    time.sleep(0.1)
    return convert_chat(record, options)
"""


def list_workers(parent: int) -> list[int]:
    """Processes whose parent this is, or was until it died."""
    found = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return list(map(int, found.split()))


def is_alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_its_workers_die_with_it(tmp_path: Path) -> None:
    for folder in ("recipes", "runs", "converters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "converters" / "slow.py").write_text(SLOW)
    chat = {"messages": [{"role": "user", "content": "go"}, {"role": "assistant", "content": "gone"}]}
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({**chat, "id": at}) + "\n" for at in range(2000)))
    command = [sys.executable, "-c", CONVERT]
    process = subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + 60
    while not (workers := list_workers(process.pid)) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workers
    while any(map(is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_alive, workers))
