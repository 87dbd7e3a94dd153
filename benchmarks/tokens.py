"""The share of computed tokens that are targets: dialogues as one row, as a row a turn, and packed.

    python -m benchmarks.tokens --personas 200 --dialogues 50

The persona set is made at full size and tokenised by the tiny base's tokenizer. A target is a token of an assistant's
turn, its end included. Every token of a row is computed, padding left out. Packing is Axolotl's own sampler at the
recipe's `max_length`. The last line is one JSON object:

    {"dialogues": 10000, "targets": 700000, "computed_by_dialogue": …, "computed_by_turn": …, "ratio": 2.1,
     "packed_share": 0.95}
"""

import argparse
import json
from typing import Any

import numpy as np
from axolotl.utils.samplers import MultipackBatchSampler
from torch.utils.data import SequentialSampler
from transformers import AutoTokenizer

from converters.persona import Options, convert
from recipebook.project import CHAT_TEMPLATES, PROJECT
from samples import make_persona

LONGEST = 512
END = "<|im_end|>"


def main() -> None:
    """Make the set, count, and print the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--personas", type=int, default=200)
    parser.add_argument("--dialogues", type=int, default=50)
    parser.add_argument("--turns", type=int, default=9, help="most exchanges; of 9, five on average, so ten messages")
    arguments = parser.parse_args()
    records = list(make_persona.make(arguments.personas, arguments.dialogues, arguments.turns, seed=5))
    tokenizer: Any = AutoTokenizer.from_pretrained(PROJECT / "models" / "tiny-base")
    template = (CHAT_TEMPLATES / "chatml.jinja").read_text()
    by_dialogue = count_lengths(records, Options(), tokenizer, template)
    by_turn = count_lengths(records, Options(rows="turn"), tokenizer, template)
    figures = {
        "dialogues": len(records),
        "targets": count_targets(records, tokenizer),
        "computed_by_dialogue": sum(by_dialogue),
        "computed_by_turn": sum(by_turn),
        "ratio": round(sum(by_turn) / sum(by_dialogue), 2),
        "longest": max(by_dialogue),
        "packed_share": round(measure_packing(by_dialogue), 3),
    }
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(json.dumps(figures))


def count_lengths(records: list[dict[str, Any]], options: Options, tokenizer: Any, template: str) -> list[int]:
    """Tokens of each row."""
    texts = [
        tokenizer.apply_chat_template(row["messages"], chat_template=template, tokenize=False)
        for record in records
        for row in convert(record, options)
    ]
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def count_targets(records: list[dict[str, Any]], tokenizer: Any) -> int:
    """Tokens of all assistants' turns, each counted once."""
    answers = [turn["text"] + END for record in records for turn in record["messages"] if turn["role"] == "assistant"]
    return sum(len(ids) for ids in tokenizer(answers, add_special_tokens=False)["input_ids"])


def measure_packing(lengths: list[int]) -> float:
    """The share of computed tokens that is not padding."""
    kept = np.array([length for length in lengths if length <= LONGEST])
    sampler = MultipackBatchSampler(
        SequentialSampler(kept), batch_size=1, batch_max_len=LONGEST, lengths=kept, bin_size=200, num_processes=1
    )
    return float(sampler.efficiency())


if __name__ == "__main__":
    main()
