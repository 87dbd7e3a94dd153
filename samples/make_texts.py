"""Makes the texts that the tiny base model reads before any task: talk, commands, calls, shell sessions, words.

    {"text": "Dim the lights to 40 percent.", "kind": "talk"}

Commands and calls come from different seeds, as do shell tasks and an agent's turns; plain texts and annotated ones
come from different records. So no text comes with its answer: the base learns the words and how to copy them, and an
adapter learns the task. The samples of the tasks use other seeds.

    python -m samples.make_texts --count 24000 --seed 11 --out samples/texts.jsonl
"""

import json
import random
import re

from recipebook.shell.dialogue import format_rules
from samples import _robot_actions as words
from samples import make_persona, make_robot, make_shell, make_toolformer
from samples._generator import write_sample

BAG = 16
# Not \\w, which leaves out the vowel signs of Devanagari.
WORD_DIGIT_OR_SIGNS = re.compile(r"[^\s\d!-/:-@\[-`{-~।]+|\d|[!-/:-@\[-`{-~।]+")

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
    word, centimeters = rng.choice(list(words.NUMBER_WORDS)), rng.choice(range(50, 1000, 50))
    return rng.choice(TALK).format(
        device=rng.choice(DEVICES), room=rng.choice(words.ROOMS), color=rng.choice(words.COLORS),
        object=rng.choice(words.OBJECTS), place=rng.choice(words.PLACES), thing=rng.choice(words.THINGS),
        number=rng.randint(0, 100), small=rng.randint(1, 100) / 10, word=word, value=words.NUMBER_WORDS[word],
        centimeters=centimeters, meters=centimeters / 100,
    )  # fmt: skip


def make(count: int, seed: int) -> list[dict[str, str]]:
    """`count` texts: bags of words first, a quarter, then the other kinds alike and in mixed order.

    Trained in this order: a model that has not learned to copy words first takes three times as long to learn it from
    the mixture.
    """
    rng, each = random.Random(seed), count * 3 // 36
    shopping = make_toolformer.make(2 * each, seed + 3)
    utterances = [turn["text"] for chat in make_persona.make(each // 4, 4, 2, seed + 4) for turn in chat["messages"]]
    parts = {
        "talk": [talk(rng) for _ in range(each)],
        "command": [record["input"] for record in make_robot.make(each, seed + 1)],
        "calls": [record["output"] for record in make_robot.make(each, seed + 2)],
        "shopping": [record["original_text"] for record in shopping[::2]],
        "searches": [record["augmented_text"] for record in shopping[1::2]],
        "home": rng.sample(utterances, each),
        "task": [one.task.instruction for one in make_shell.draw_tasks(each, seed + 5)],
        "shell": _list_turns(rng, each, seed + 6),
    }
    texts = [{"text": text, "kind": kind} for kind, part in parts.items() for text in part]
    known = sorted({word for text in texts for word in WORD_DIGIT_OR_SIGNS.findall(text["text"])})
    texts += [_fill_bag(rng, known, "chain") for _ in range(each)]
    rng.shuffle(texts)
    return [_fill_bag(rng, known, "words") for _ in range(count - len(texts))] + texts


def _list_turns(rng: random.Random, count: int, seed: int) -> list[str]:
    """`count` turns of shell sessions, each without what it answers; a few are the rules, in any order."""
    sessions = make_shell.make_sessions(make_shell.draw_tasks(count, seed))
    turns = {turn["content"] for session in sessions for turn in session["chat_history"]["value"][3:]}
    rules = format_rules().split(". ")
    ruled = [". ".join(rng.sample(rules, len(rules))) for _ in range(count // 50)]
    return ruled + rng.sample(sorted(turns), count - len(ruled))


def _fill_bag(rng: random.Random, known: list[str], kind: str) -> dict[str, str]:
    return {"text": " ".join(rng.choices(known, k=BAG)), "kind": kind}


if __name__ == "__main__":
    write_sample(__doc__, make, json.dumps, count=24000, seed=11)
