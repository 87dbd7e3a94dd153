"""A GGUF file in; its model in float32, and the tokenizer and chat template that it holds, out.

transformers reads such files, but of some families not the size of an attention head: it takes the family's usual one,
which small models do not have. llama.cpp's converter writes it into every file, so it is read here.
"""

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer


def load_gguf(path: Path) -> tuple[Any, Any]:
    """The model, and its tokenizer."""
    folder, file = path.parent, path.name
    config: Any = AutoConfig.from_pretrained(folder, gguf_file=file)
    if size := read_head_size(path):
        config.head_dim = size
    with redirect_stderr(io.StringIO()):  # It would draw a bar.
        model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, config=config, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(folder, gguf_file=file)


def read_head_size(path: Path) -> int | None:
    """The size of an attention head; None where the file does not name it."""
    fields = GGUFReader(path).fields
    family = fields["general.architecture"].contents()
    size = fields.get(f"{family}.attention.key_length")
    return int(size.contents()) if size else None
