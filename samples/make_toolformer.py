"""Makes Toolformer-style records: a shopper's text, and the same text with the calls that help.

    {"original_text": "hi there, find red caps below 400 rupees",
     "augmented_text": "hi there, find red caps below 400 rupees <tool>search(query='red caps', max_price=400)</tool>",
     "tool_calls": [{"tool_name": "search", "arguments": {"query": "red caps", "max_price": 400}, "position": 40,
                     "utility_score": 0.5}],
     "quality_score": 0.5, "language": "en"}

English, Hindi and Hindi in Latin letters mixed with English take turns. Of twelve records in a row of one language,
two have no call, two have two, and the rest one of the six tools. A call comes right after the words that need
it, and follows from them alone. Its utility is the share of its arguments' words among those words, rounded to two
places; a record's quality is the mean of its utilities, and 0 without calls. The same seed makes the same file:

    python -m samples.make_toolformer --count 2400 --seed 7 --out samples/toolformer.jsonl
"""

import random
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from typing import Any, NamedTuple

from recipebook.text.inline_calls import format_call, insert_calls
from samples._generator import draw_new, write_sample

SHORTEST, LONGEST = 8, 16
SIZES = ["S", "M", "L", "XL"]
PRICES = list(range(200, 3000, 100))


class Phrases(NamedTuple):
    """The words of one language; the templates' fields are filled from the lists, prices, sizes and numbers."""

    items: list[str]
    colors: list[str]
    styles: list[str]
    occasions: list[str]
    brands: list[str]
    phrases: list[str]
    languages: dict[str, str]
    search: list[str]
    recommend: list[str]
    compare: list[str]
    filter: list[str]
    translate: list[str]
    visual_search: list[str]
    no_call: list[str]
    by_price: str
    openers: list[str]
    tails: list[str]
    links: list[str]
    stop: str


class Clause(NamedTuple):
    """A part of a text that needs one call, or none."""

    text: str
    tool: str = ""
    arguments: dict[str, Any] = {}  # noqa: RUF012


ENGLISH = Phrases(
    items=["shirts", "shoes", "watches", "bags", "jackets", "lamps", "phones", "rings", "caps", "chairs"],
    colors=["red", "blue", "green", "black", "white", "pink", "yellow", "grey"],
    styles=["cotton", "leather", "cheap", "warm", "light", "casual", "formal", "strong"],
    occasions=["wedding", "office", "travel", "school", "sport", "winter"],
    brands=["Nova", "Zeta", "Orbit", "Lumo", "Tiga", "Vero"],
    phrases=["thank you", "good morning", "how much is it", "too expensive", "very nice", "see you soon"],
    languages={"Hindi": "hi", "French": "fr", "German": "de", "Tamil": "ta"},
    search=["show me {style} {item} under {price} rupees", "i am looking for {style} {item}",
            "find {style} {item} below {price} rupees"],
    recommend=["suggest {number} {occasion} {item}", "can you recommend {number} {occasion} {item}"],
    compare=["which is better, {brand} or {other}{price_too}", "please compare {brand} and {other}{price_too}"],
    filter=["show only the {color} ones in size {size}", "keep just {color} ones of size {size}"],
    translate=['how do i say "{phrase}" in {language}', 'please translate "{phrase}" to {language}'],
    visual_search=["this photo shows {color} {item}, find the same", "find {color} {item} like in my photo"],
    no_call=["thank you, the {color} {item} arrived in time", "i do not need {style} {item} any more",
             "my {style} {item} are {color} and i like them", "the {occasion} was great and the {item} were {color}"],
    by_price=" by price",
    openers=["", "hello, ", "hi there, ", "today ", "good day, ", "by the way, "],
    tails=["", " for my sister", " before sunday", " as mine are old", " if you can", " as a gift",
           " for a friend", " when you have time"],
    links=[" and then ", ", after that "],
    stop=".",
)  # fmt: skip

HINDI = Phrases(
    items=["जूता", "कोट", "चश्मा", "पर्स", "बैग", "फ़ोन", "कुर्ता", "छाता"],
    colors=["लाल", "सफ़ेद", "गुलाबी", "भूरा", "नीला", "हरा"],
    styles=["सूती", "ऊनी", "नया", "सुंदर", "देसी", "सस्ता"],
    occasions=["शादी", "होली", "सफ़र", "काम", "खेल"],
    brands=["नोवा", "ज़ेटा", "लूमो", "टीगा", "वेरो"],
    phrases=["कैसे हो", "शुभ रात्रि", "कितना है", "कहाँ हो", "मुझे दो", "यह लो", "कल आना"],
    languages={"चीनी": "zh", "तमिल": "ta", "उर्दू": "ur", "रूसी": "ru"},
    search=["मुझे {price} रुपये तक {style} {item} चाहिए", "मेरे लिए एक {style} {item} खोजो"],
    recommend=["मुझे {occasion} के {number} {item} दिखाओ"],
    compare=["{brand} और {other} में कौन सही है{price_too}"],
    filter=["बस {color} रंग और {size} नाप दो"],
    translate=['"{phrase}" को {language} में क्या कहते हैं'],
    visual_search=["इस फ़ोटो में {color} {item} है, वैसा दो"],
    no_call=["धन्यवाद, {color} {item} आज मिल गया", "अब मुझे {style} {item} नहीं चाहिए",
             "{occasion} में {color} {item} अच्छा था"],
    by_price=" दाम में",
    openers=["", "जी, ", "भाई, ", "आज ", "अब "],
    tails=["", " घर पर", " कल तक", " जल्द ही", " माँ को"],
    links=[" और ", ", फिर "],
    stop="।",
)  # fmt: skip

MIXED = Phrases(
    items=["shirt", "shoes", "watch", "bag", "jacket", "saree", "kurta", "phone"],
    colors=["red", "blue", "safed", "kala", "pink", "hara"],
    styles=["cotton", "sasta", "warm", "desi", "fresh", "accha"],
    occasions=["shaadi", "office", "diwali", "party", "safar"],
    brands=["Nova", "Zeta", "Orbit", "Lumo", "Tiga"],
    phrases=["thank you", "bahut mehenga", "good night", "kitne ka hai", "phir milenge", "kal aana"],
    languages={"French": "fr", "Tamil": "ta", "Urdu": "ur", "Russian": "ru"},
    search=["mujhe {price} rupaye tak {style} {item} chahiye", "mere liye {style} {item} search karo"],
    recommend=["mujhe {occasion} ke {number} {item} suggest karo"],
    compare=["{brand} aur {other} mein kaun sahi hai{price_too}"],
    filter=["sirf {color} color aur size {size} dikhao"],
    translate=['"{phrase}" ko {language} mein kaise bolte hain'],
    visual_search=["photo mein {color} {item} hai, same wala dhundo"],
    no_call=["thanks, {color} {item} aaj mil gaya", "ab mujhe {style} {item} nahi chahiye",
             "{occasion} mein {color} {item} best tha"],
    by_price=" price mein",
    openers=["", "hello, ", "bhai, ", "aaj ", "suno, "],
    tails=["", " behen ke liye", " kal se pehle", " please jaldi", " mummy ke liye"],
    links=[" aur phir ", ", uske baad "],
    stop=".",
)  # fmt: skip

LANGUAGES = {"en": ENGLISH, "hi": HINDI, "mixed": MIXED}


def search(rng: random.Random, words: Phrases) -> Clause:
    """Look for goods, up to a price if one is named."""
    style, item, price = rng.choice(words.styles), rng.choice(words.items), rng.choice(PRICES)
    template = rng.choice(words.search)
    arguments = {"query": f"{style} {item}"} | ({"max_price": price} if "{price}" in template else {})
    return Clause(template.format(style=style, item=item, price=price), "search", arguments)


def recommend(rng: random.Random, words: Phrases) -> Clause:
    """Ask for a number of ideas."""
    occasion, item, number = rng.choice(words.occasions), rng.choice(words.items), rng.randint(2, 9)
    text = rng.choice(words.recommend).format(occasion=occasion, item=item, number=number)
    return Clause(text, "recommend", {"context": f"{occasion} {item}", "num_items": number})


def compare(rng: random.Random, words: Phrases) -> Clause:
    """Compare two brands, by price if that is named."""
    brand, other = rng.sample(words.brands, 2)
    price_too = rng.choice(["", words.by_price])
    text = rng.choice(words.compare).format(brand=brand, other=other, price_too=price_too)
    return Clause(text, "compare", {"items": [brand, other]} | ({"comparison_aspects": ["price"]} if price_too else {}))


def narrow(rng: random.Random, words: Phrases) -> Clause:
    """Keep some of what was found."""
    color, size = rng.choice(words.colors), rng.choice(SIZES)
    return Clause(rng.choice(words.filter).format(color=color, size=size), "filter", {"color": color, "size": size})


def translate(rng: random.Random, words: Phrases) -> Clause:
    """Say it in another language."""
    phrase, (language, code) = rng.choice(words.phrases), rng.choice(list(words.languages.items()))
    text = rng.choice(words.translate).format(phrase=phrase, language=language)
    return Clause(text, "translate", {"text": phrase, "target_lang": code})


def search_visually(rng: random.Random, words: Phrases) -> Clause:
    """Find what a picture shows."""
    color, item = rng.choice(words.colors), rng.choice(words.items)
    text = rng.choice(words.visual_search).format(color=color, item=item)
    return Clause(text, "visual_search", {"image_description": f"{color} {item}"})


def chat(rng: random.Random, words: Phrases) -> Clause:
    """Say something that no tool can help with."""
    parts = {"color": words.colors, "item": words.items, "style": words.styles, "occasion": words.occasions}
    chosen = {name: rng.choice(some) for name, some in parts.items()}
    return Clause(rng.choice(words.no_call).format(**chosen))


Maker = Callable[[random.Random, Phrases], Clause]
ASKING: list[Maker] = [search, recommend, compare, narrow, translate, search_visually]
KINDS: list[Maker | None] = [chat, *ASKING, None, chat, search, recommend, None]
"""The function that makes a record's only clause, in turns; None: two clauses, each with a call."""


def make(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` records with texts that differ, languages and kinds taking turns."""
    rng = random.Random(seed)
    seen: set[str] = set()
    turns = cycle([(code, kind) for kind in KINDS for code in LANGUAGES])
    return [_make_new(rng, code, kind, seen) for code, kind in islice(turns, count)]


def _make_new(rng: random.Random, code: str, kind: Maker | None, seen: set[str]) -> dict[str, Any]:
    """A record whose text was not made before."""
    text, (opener, link, clauses) = draw_new(partial(_draw, rng, LANGUAGES[code], kind), seen, "texts")
    return _annotate(text, len(opener), len(link), clauses, code)


def _draw(rng: random.Random, words: Phrases, kind: Maker | None) -> tuple[str, tuple[str, str, list[Clause]]]:
    """A text of a sensible length, with its opener, its link and its clauses."""
    while True:
        makers = [kind] if kind else rng.sample(ASKING, 2)
        clauses = [make_clause(rng, words) for make_clause in makers]
        opener, tail = rng.choice(words.openers), rng.choice(words.tails)
        link = rng.choice(words.links)
        text = opener + link.join(clause.text for clause in clauses) + tail + rng.choice(["", words.stop])
        if SHORTEST <= len(text.split()) <= LONGEST:
            return text, (opener, link, clauses)


def _annotate(text: str, start: int, link: int, clauses: list[Clause], code: str) -> dict[str, Any]:
    calls: list[dict[str, Any]] = []
    for clause in clauses:
        end = start + len(clause.text)
        if clause.tool:
            calls.append(
                {
                    "tool_name": clause.tool,
                    "arguments": clause.arguments,
                    "position": end,
                    "utility_score": _measure_utility(clause),
                }
            )
        start = end + link
    written = [format_call(call["tool_name"], call["arguments"]) for call in calls]
    quality = sum(call["utility_score"] for call in calls) / len(calls) if calls else 0.0
    return {
        "original_text": text,
        "augmented_text": insert_calls(text, written, [call["position"] for call in calls]),
        "tool_calls": calls,
        "quality_score": round(quality, 2),
        "language": code,
    }


def _measure_utility(clause: Clause) -> float:
    """The share of the clause's words that its call's arguments hold."""
    words = [word.strip('",') for word in clause.text.split()]
    values = [item for value in clause.arguments.values() for item in (value if isinstance(value, list) else [value])]
    held = {word for value in values for word in str(value).split()}
    return round(sum(word in held for word in words) / len(words), 2)


if __name__ == "__main__":
    write_sample(__doc__, make, count=2400, seed=7)
