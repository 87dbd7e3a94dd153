"""Makes plain texts for stages/augment.py: what things cost and how phrases are translated, and other talk.

    {"text": "hello, the Nova watches cost 2400 rupees", "language": "en"}

Three texts of four tell a fact: mostly what the tools of samples/augment_tools.yaml would say, and of every six one
that they would not. The others are of the kind that no tool helps with. The same seed makes the same file:

    python -m samples.make_plain_texts --count 240 --seed 3 --out samples/plain_texts.jsonl
"""

import argparse
import json
import random
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from recipebook.files import write_text
from recipebook.recipe import PROJECT
from samples.make_toolformer import LANGUAGES, PRICES, chat
from stages._tools import Tools, read_tools

TRIES = 10_000
TOOLS = "samples/augment_tools.yaml"
FRENCH, GERMAN = "fr", "de"
UNITS = {"en": "rupees", "hi": "रुपये", "mixed": "rupaye"}
COSTS = {"en": "the {item} cost {price}", "hi": "{item} का दाम {price} है", "mixed": "{item} ka daam {price} hai"}


def make(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` texts that differ, languages and kinds taking turns."""
    rng = random.Random(seed)
    tools, seen = read_tools(PROJECT / TOOLS), set[str]()
    kinds = cycle([(code, kind) for kind in ("price", "price", "phrase", "talk") for code in LANGUAGES])
    return [{"text": _make_new(rng, code, kind, tools, seen), "language": code} for code, kind in islice(kinds, count)]


def _make_new(rng: random.Random, code: str, kind: str, tools: Tools, seen: set[str]) -> str:
    """A text that was not made before; being out of words is an error."""
    words = LANGUAGES[code]
    for _ in range(TRIES):
        said = _say(rng, code, kind, tools)
        text = rng.choice(words.openers) + said + rng.choice(words.tails) + rng.choice(["", words.stop])
        if text not in seen:
            seen.add(text)
            return text
    raise SystemExit(f"make_plain_texts.py: no more than {len(seen)} different texts")


def _say(rng: random.Random, code: str, kind: str, tools: Tools) -> str:
    if kind == "talk":
        return chat(rng, LANGUAGES[code]).said
    if kind == "phrase" and code == "en":
        phrase, language = rng.choice(list(tools["translate"].table)), rng.choice([FRENCH, GERMAN])
        told = rng.choice(list(tools["translate"].table)) if rng.random() < 1 / 6 else phrase
        name = {FRENCH: "French", GERMAN: "German"}[language]
        return f"{phrase} in {name} is {tools['translate'].table[told][language]}"
    table = {item: price for item, price in tools["search"].table.items() if price.endswith(UNITS[code])}
    item = rng.choice(list(table))
    price = f"{rng.choice(PRICES)} {UNITS[code]}" if rng.random() < 1 / 6 else table[item]
    return COSTS[code].format(item=item, price=price)


def main() -> None:
    """Write a file of texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    records = make(arguments.count, arguments.seed)
    lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
    write_text(arguments.out, "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
