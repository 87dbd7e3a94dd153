"""The shape of a base in; a folder with a model of that shape, random weights, and the tiny base's tokenizer, out.

    make_base(SHAPES["8B"], Path("bases/8B"))       16 GB, made on the GPU where there is one, in bf16

What a weight is changes neither speed nor memory. The tokenizer has fewer words than the shape's vocabulary.
"""

import shutil
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from recipebook.project import PROJECT
from recipebook.train.shapes import KNOWN, LLAMA_7B, BaseShape

TOKENIZER = PROJECT / "models" / "tiny-base"
SHAPES = {
    "tiny": BaseShape(hidden=64, layers=2, inner=128, vocabulary=8192, heads=4, key_heads=2),
    "0.5B": KNOWN["Qwen/Qwen2.5-0.5B-Instruct"],
    "7B": LLAMA_7B,
    "8B": KNOWN["meta-llama/Llama-3.1-8B-Instruct"],
}


def make_base(shape: BaseShape, folder: Path) -> None:
    """Write the model; Llama's layers, since all of `KNOWN` are of that kind."""
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        intermediate_size=shape.inner,
        vocab_size=shape.vocabulary,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=8192,
    )
    torch.manual_seed(0)
    gpu = torch.cuda.is_available()
    with torch.device("cuda" if gpu else "cpu"):
        model = LlamaForCausalLM._from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.bfloat16 if gpu else torch.float32
        )
    folder.mkdir(parents=True)
    model.save_pretrained(folder)
    for path in TOKENIZER.glob("tokenizer*"):
        shutil.copyfile(path, folder / path.name)
