"""Makes the texts that the tiny base model reads before any task: words, home talk, things said to robots, calls.

    {"text": "Dim the lights to 40 percent.", "kind": "talk"}

Commands and calls come from different seeds, so that no text stands beside its answer: the base learns the words and
how to copy them, and what an adapter learns is its own. The samples of the tasks use other seeds.

    python -m samples.make_texts --count 9000 --seed 11 --out samples/texts.jsonl
"""

import argparse
import json
import random
import re
from pathlib import Path

from samples import make_robot

DEVICES = ["lights", "tv", "ac", "speaker", "heater", "lamp", "radio", "fan", "alarm", "security system"]
TALK = [
    "Set the {device} to {number} percent.", "Turn on the {device} in the {room}, please.",
    "I have turned off the {device}.", "The {device} in the {room} is on.",
    "Set the temperature to {number} degrees.", "It is {word} degrees warmer in the {room} today.",
    "Is the {device} still on?", "Yes, the {device} is at {number} percent.", "Good morning, it is a {color} sky.",
    "My {color} {object} is in the {room}.", "I left {word} {object}s on the {place}.",
    "Volume {number}, brightness {small}.", "Would you like me to dim the {device} to {number}?",
    "The {object} costs {small} and the {color} one {number}.", "Remind me at {number} to call the {room}.",
    "There are {word} {thing} near the {place}.", "Everything is quiet in the {room}.",
    "{word} is {value}.", "{word} meters are {value} meters.", "{centimeters} cm are {meters} meters.",
    "{number} is {number}.0.",
]  # fmt: skip


def talk(rng: random.Random) -> str:
    """A sentence of home talk."""
    word, centimeters = rng.choice(list(make_robot.NUMBER_WORDS)), rng.choice(range(50, 1000, 50))
    return rng.choice(TALK).format(
        device=rng.choice(DEVICES), room=rng.choice(make_robot.ROOMS), color=rng.choice(make_robot.COLORS),
        object=rng.choice(make_robot.OBJECTS), place=rng.choice(make_robot.PLACES), thing=rng.choice(make_robot.THINGS),
        number=rng.randint(0, 100), small=rng.randint(1, 100) / 10, word=word, value=make_robot.NUMBER_WORDS[word],
        centimeters=centimeters, meters=centimeters / 100,
    )  # fmt: skip


def make(count: int, seed: int) -> list[dict[str, str]]:
    """`count` texts in mixed order: a half of random words, the rest of the other kinds alike."""
    rng, each = random.Random(seed), count // 6
    texts = [{"text": talk(rng), "kind": "talk"} for _ in range(each)]
    texts += [{"text": record["input"], "kind": "command"} for record in make_robot.make(each, seed + 1)]
    texts += [{"text": record["output"], "kind": "calls"} for record in make_robot.make(each, seed + 2)]
    known = sorted({word for text in texts for word in re.findall(r"[a-zA-Z]+|\d|[^\w\s]+", text["text"])})
    texts += [{"text": " ".join(rng.choices(known, k=rng.randint(1, 40))), "kind": "words"} for _ in range(3 * each)]
    rng.shuffle(texts)
    return texts


def main() -> None:
    """Write a file of texts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=9000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [json.dumps(text) for text in make(arguments.count, arguments.seed)]
    arguments.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
