"""Makes plain texts for stages/augment.py: prices, translations, and other talk.

    {"text": "hello, the Nova watches cost 2400 rupees", "language": "en"}

Three texts of four state a fact. Five of six facts are results of the tools of samples/augment_tools.yaml; the sixth
is not. The remaining texts are of the kind that no tool helps with. The same seed makes the same file:

    python -m samples.make_plain_texts --count 240 --seed 3 --out samples/plain_texts.jsonl
"""

import random
from itertools import cycle, islice
from typing import Any

from recipebook.project import PROJECT
from samples._generator import draw_new, write_sample
from samples.make_toolformer import LANGUAGES, PRICES, chat
from stages._tools import Tools, read_tools

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
    """A text that was not made before."""
    words = LANGUAGES[code]

    def draw() -> tuple[str, None]:
        phrase = _phrase(rng, code, kind, tools)
        return rng.choice(words.openers) + phrase + rng.choice(words.tails) + rng.choice(["", words.stop]), None

    return draw_new(draw, seen, "texts")[0]


def _phrase(rng: random.Random, code: str, kind: str, tools: Tools) -> str:
    if kind == "talk":
        return chat(rng, LANGUAGES[code]).text
    if kind == "phrase" and code == "en":
        phrase, language = rng.choice(list(tools["translate"].table)), rng.choice([FRENCH, GERMAN])
        phrases = rng.choice(list(tools["translate"].table)) if rng.random() < 1 / 6 else phrase
        name = {FRENCH: "French", GERMAN: "German"}[language]
        return f"{phrase} in {name} is {tools['translate'].table[phrases][language]}"
    table = {item: price for item, price in tools["search"].table.items() if price.endswith(UNITS[code])}
    item = rng.choice(list(table))
    price = f"{rng.choice(PRICES)} {UNITS[code]}" if rng.random() < 1 / 6 else table[item]
    return COSTS[code].format(item=item, price=price)


if __name__ == "__main__":
    write_sample(__doc__, make, count=240, seed=3)
