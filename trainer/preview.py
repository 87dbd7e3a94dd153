"""How Axolotl will see the rows: their lengths, and which of their tokens carry loss.

    python -m trainer.preview axolotl.yaml preview.json

writes `{"rows", "lengths", "trained", "examples": [[["robot", true], …], …]}`: tokens a row and trained tokens a row
in the rows' order, and for the first rows the pieces of text with whether they are trained on. It is Axolotl's own
prompt strategy that tokenises and masks, not a copy of it.
"""

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.prompt_strategies import load as load_strategy
from axolotl.utils.dict import DictDefault

MOST_ROWS = 20_000
EXAMPLES = 2
MASKED = -100


def preview(config: Path) -> dict[str, Any]:
    """Tokenise the training rows, at most the first 20,000 of them."""
    cfg = load_cfg(str(config))
    tokenizer = load_tokenizer(cfg)
    settings = DictDefault(cfg.datasets[0])
    strategy = load_strategy(settings.type, tokenizer, cfg, settings)
    lengths: list[int] = []
    trained: list[int] = []
    examples: list[list[tuple[str, bool]]] = []
    with Path(settings.path).open(encoding="utf-8") as file:
        for line in itertools.islice(file, MOST_ROWS):
            tokens = strategy.tokenize_prompt(json.loads(line))
            lengths.append(len(tokens["input_ids"]))
            trained.append(sum(label != MASKED for label in tokens["labels"]))
            if len(examples) < EXAMPLES:
                examples.append(_join(tokenizer, tokens["input_ids"], tokens["labels"]))
    return {"lengths": lengths, "trained": trained, "examples": examples}


def _join(tokenizer: Any, ids: list[int], labels: list[int]) -> list[tuple[str, bool]]:
    """Neighbouring tokens with the same fate as one piece of text."""
    pieces = itertools.groupby(zip(ids, labels, strict=True), key=lambda pair: pair[1] != MASKED)
    return [(tokenizer.decode([token for token, _ in pairs]), trained) for trained, pairs in pieces]


def main() -> None:
    """Write the preview."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    arguments.out.write_text(json.dumps(preview(arguments.config)), encoding="utf-8")


if __name__ == "__main__":
    main()
