"""How Axolotl will see the rows: their lengths, and which of their tokens carry loss.

    python -m trainer.preview axolotl.yaml preview.json

writes `{"lengths", "trained", "examples": [[["robot", true], …], …]}`: tokens a row and trained tokens a row
in the rows' order, and for the first rows the pieces of text with whether they are trained on; `progress.json` shows
its progress. It is Axolotl's own prompt strategy that tokenises and masks chats, not a copy of it; of a pair, both
answers are shown.
"""

import argparse
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from axolotl.cli.config import load_cfg
from axolotl.loaders import load_tokenizer
from axolotl.prompt_strategies import load as load_strategy
from axolotl.utils.dict import DictDefault

from recipebook.rows import find_kind
from trainer.pairs import write_pair, write_single
from trainer.progress import write_progress

MOST_ROWS = 20_000
REPORT_EVERY = 500
EXAMPLES = 2
MASKED = -100

Pieces = list[tuple[str, bool]]


class Look(NamedTuple):
    """One row: its tokens, how many of them carry loss, and how to show it in pieces, trained on or not."""

    length: int
    trained: int
    show: Callable[[], Pieces]


def preview(config: Path) -> dict[str, Any]:
    """Tokenise the training rows, at most the first 20,000 of them."""
    cfg = load_cfg(str(config))
    tokenizer = load_tokenizer(cfg)
    look = _look_at_preference(tokenizer) if cfg.rl else _look_at_chat(cfg, tokenizer)
    looks = []
    with Path(cfg.datasets[0].path).open(encoding="utf-8") as file:
        lines = list(itertools.islice(file, MOST_ROWS))
    for number, line in enumerate(lines):
        if number % REPORT_EVERY == 0:
            write_progress(Path("progress.json"), "tokens", number, len(lines))
        looks.append(look(json.loads(line)))
    return {
        "lengths": [one.length for one in looks],
        "trained": [one.trained for one in looks],
        "examples": [one.show() for one in looks[:EXAMPLES]],
    }


def _look_at_chat(cfg: Any, tokenizer: Any) -> Callable[[dict[str, Any]], Look]:
    settings = DictDefault(cfg.datasets[0])
    strategy = load_strategy(settings.type, tokenizer, cfg, settings)

    def look(row: dict[str, Any]) -> Look:
        tokens = strategy.tokenize_prompt(row)
        ids, labels = tokens["input_ids"], tokens["labels"]
        return Look(len(ids), sum(label != MASKED for label in labels), lambda: _join(tokenizer, ids, labels))

    return look


def _look_at_preference(tokenizer: Any) -> Callable[[dict[str, Any]], Look]:
    """Of a pair, the length is that of the prompt with the longer answer: the one that must fit."""

    def look(row: dict[str, Any]) -> Look:
        if find_kind(row) == "labelled":
            single = write_single(row, tokenizer)
            prompt, answers = single["prompt"], [single["completion"]]
            pieces = [(prompt, False), ("" if single["label"] else "not ", False), (answers[0], True)]
        else:
            pair = write_pair(row, tokenizer)
            prompt, answers = pair["prompt"], [pair["chosen"], pair["rejected"]]
            pieces = [(prompt, False), (answers[0], True), (" and not ", False), (answers[1], True)]
        before, *wholes = (len(tokenizer(text)["input_ids"]) for text in (prompt, *(prompt + one for one in answers)))
        return Look(max(wholes), max(wholes) - before, lambda: pieces)

    return look


def _join(tokenizer: Any, ids: list[int], labels: list[int]) -> Pieces:
    """Neighbouring tokens that are all trained on, or all not, as one piece of text."""
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
