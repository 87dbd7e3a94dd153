"""In place of llama.cpp's converter, with the same arguments: a model like tiny-base to a GGUF file of 8 bits."""

import json
import sys
from pathlib import Path

import gguf
from safetensors.numpy import load_file


def convert(folder: Path, out: Path) -> None:
    """Write the file by llama.cpp's own package."""
    config = json.loads((folder / "config.json").read_bytes())
    writer = gguf.GGUFWriter(out, "qwen3")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    add_tokenizer(writer, folder, config["eos_token_id"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN3, config["num_hidden_layers"])
    for name, tensor in load_file(folder / "model.safetensors").items():
        short = names.get_name(name, try_suffixes=(".weight",))
        assert short, name
        kind = gguf.GGMLQuantizationType.Q8_0 if tensor.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(short, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add_tokenizer(writer: gguf.GGUFWriter, folder: Path, end: int | list[int]) -> None:
    """Add the words, how they are joined, and the chat template."""
    tokenizer = json.loads((folder / "tokenizer.json").read_bytes())
    words = {number: word for word, number in tokenizer["model"]["vocab"].items()}
    special = {one["id"]: one["content"] for one in tokenizer["added_tokens"]}
    tokens = [text for _, text in sorted({**words, **special}.items())]
    kinds = [gguf.TokenType.CONTROL if at in special else gguf.TokenType.NORMAL for at in range(len(tokens))]
    merges = [" ".join(one) if isinstance(one, list) else one for one in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(end if isinstance(end, int) else end[0])
    writer.add_chat_template((folder / "chat_template.jinja").read_text(encoding="utf-8"))


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[sys.argv.index("--outfile") + 1]))
