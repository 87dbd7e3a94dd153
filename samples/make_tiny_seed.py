"""Makes the seed of the tiny base model: an architecture and a tokenizer, no weights.

Axolotl draws the weights (`reinit_weights`) when it trains recipes/tiny-base.yaml. The tokenizer is byte-level BPE
over words, single digits and signs, each with the space before it: a number is copied digit by digit.

    python -m samples.make_tiny_seed --texts samples/texts.jsonl --out models/tiny-seed
"""

import argparse
import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ROLES = ["system", "user", "assistant", "tool"]
WORD_DIGIT_OR_SIGNS = r" ?(?:[\p{L}\p{M}]+|\d|[^\p{L}\p{M}\d\s]+)|\s"


def train_tokenizer(texts: list[str], size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `size` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD_DIGIT_OR_SIGNS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(  # type: ignore[no-untyped-call]
        vocab_size=size, special_tokens=CONTROLS, initial_alphabet=alphabet, min_frequency=3, show_progress=False
    )
    tokenizer.train_from_iterator([*texts, *ROLES * 10], trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=1024
    )


def architecture(vocabulary: int) -> Qwen3Config:
    """Qwen3 of about a million parameters: its normalised queries and keys learn to copy in two thirds of the steps
    that Qwen2 takes, and wider first weights than usual let so narrow a model learn sooner."""
    return Qwen3Config(
        architectures=["Qwen3ForCausalLM"], vocab_size=vocabulary, hidden_size=128, intermediate_size=384,
        num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=4, head_dim=32,
        initializer_range=0.05, max_position_embeddings=1024, tie_word_embeddings=True,
        bos_token_id=0, pad_token_id=0, eos_token_id=2,
    )  # fmt: skip


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--vocabulary", type=int, default=2000)
    arguments = parser.parse_args()
    texts = [json.loads(line)["text"] for line in arguments.texts.read_text().splitlines()]
    tokenizer = train_tokenizer(texts, arguments.vocabulary)
    tokenizer.save_pretrained(arguments.out)
    architecture(len(tokenizer)).save_pretrained(arguments.out)


if __name__ == "__main__":
    main()
