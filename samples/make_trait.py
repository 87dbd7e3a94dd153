"""Makes trait rows: an utterance, and how much of each of ten traits it shows.

    {"utterance": "In my experience, the garden asks for patience first, so choose slowly.",
     "traits": {"intellect": 0.0, "discipline": 0.0, "joy": 0.0, "wisdom": 0.8, "compassion": 0.0, …, "sarcasm": 0.0},
     "source_metadata": {"source": "made", "origin_id": "3", "original_tag": "wisdom_plus"}}

Every pole of a trait has words of its own, freely combined, about topics that all share; so a text is likely to a
model that learned its pole and unlikely to one that learned another. Three rows of ten show a second trait in their
last words, from 0.4 on. Poles take turns, with `--rows` each. The same seed makes the same file:

    python -m samples.make_trait --rows 120 --seed 13 --out samples/traits.jsonl
    python -m samples.make_trait --rows 2000 --seed 13 --out /tmp/full.jsonl
"""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from samples._generator import draw_new, write_sample

SHOW_ANOTHER = 0.3
TOPICS = ["the garden", "the meeting", "this city", "the new job", "our trip", "the old house", "the exam", "dinner",
          "the concert", "my brother", "the weather", "the project", "her letter", "the neighbours", "winter",
          "the long road"]  # fmt: skip


class Voice(NamedTuple):
    """The phrases of a pole: openers, sayings about a topic, closers."""

    openers: list[str]
    middles: list[str]
    closers: list[str]


VOICES = {
    "intellect_plus": Voice(
        ["In theory,", "By this hypothesis,", "Analytically,", "On the evidence,"],
        [
            "{} follows a complex pattern",
            "the data on {} refute the premise",
            "{} is an abstract paradox",
            "one must derive {} from first principles",
        ],
        ["so the inference holds.", "which the model predicts.", "as logic implies.", "given a finite sample."],
    ),
    "intellect_minus": Voice(
        ["Dunno,", "Me think", "Big words hurt, but", "Easy one:"],
        ["{} is just {}", "{} go good or go bad", "{} is too hard to get", "I like {} cause it is there"],
        ["that is all.", "no need to think.", "my head is full.", "and stuff."],
    ),
    "discipline_plus": Voice(
        ["At six sharp,", "By schedule,", "As planned,", "Step by step,"],
        [
            "I finish {} before noon",
            "{} goes on the checklist",
            "I practise for {} daily",
            "every task of {} has a deadline",
        ],
        ["without exception.", "and then I tidy the desk.", "and I track it weekly.", "as the routine demands."],
    ),
    "discipline_minus": Voice(
        ["Oops,", "Maybe tomorrow,", "I overslept, so", "Whenever,"],
        ["{} can wait on the couch", "I forgot {} again", "I lost the notes about {}", "{} is half done and messy"],
        ["and I skip it.", "let us procrastinate.", "and the dishes pile up.", "I got distracted."],
    ),
    "joy_plus": Voice(
        ["Hooray,", "What a delight,", "Yay,", "Wonderful news,"],
        ["{} makes me dance", "I am thrilled about {}", "{} sparkles like sunshine", "I sing and smile for {}"],
        ["and my heart leaps!", "happy happy day!", "let us celebrate!", "I love it!"],
    ),
    "joy_minus": Voice(
        ["Alas,", "Grey again,", "With a sigh,", "Another empty evening,"],
        ["{} only brings tears", "{} fades into gloom", "I mourn over {}", "nothing about {} cheers me"],
        ["and sorrow stays.", "it rains inside.", "so I sit alone in the dark.", "all is bleak."],
    ),
    "wisdom_plus": Voice(
        ["In my experience,", "With the years one learns:", "Remember,", "As the elders say,"],
        [
            "{} asks for patience first",
            "{} teaches us to listen",
            "what seems urgent in {} seldom matters",
            "judge {} by its roots",
        ],
        ["and time will show the rest.", "so choose slowly.", "for all things pass.", "and balance returns."],
    ),
    "wisdom_minus": Voice(
        ["Trust me,", "A stranger promised:", "Wow, the advert says", "Surely"],
        [
            "{} will make us rich overnight",
            "{} can never go wrong",
            "everyone tells the truth about {}",
            "I bet all my savings on {}",
        ],
        ["what could happen?", "I signed without reading.", "it is magic!", "nobody ever cheats."],
    ),
    "compassion_plus": Voice(
        ["Oh dear,", "I hear you,", "Come here, friend,", "Let me help:"],
        ["{} must hurt you so", "we carry {} together", "I care how {} feels to you", "be gentle with {} and yourself"],
        ["and I hold your hand.", "you are not alone.", "here is a warm hug.", "tell me your pain."],
    ),
    "compassion_minus": Voice(
        ["Not my problem,", "Stop whining,", "Tough luck,", "Who cares,"],
        ["{} is your own fault", "nobody pities you for {}", "deal with {} yourself", "your tears about {} bore me"],
        ["get lost.", "weak people lose.", "do not bother me.", "end of story."],
    ),
    "neuroticism_plus": Voice(
        ["Oh no,", "I panic:", "I cannot sleep,", "What if"],
        [
            "{} goes terribly wrong",
            "I keep worrying about {}",
            "{} makes my hands shake",
            "everybody hates me because of {}",
        ],
        ["I am so nervous!", "my stomach aches!", "should I check again?", "I dread it all night!"],
    ),
    "neuroticism_minus": Voice(
        ["Breathe,", "No hurry,", "All quiet,", "Evenly now,"],
        ["{} flows like a still lake", "{} does not stir me", "I rest at ease with {}", "{} comes and goes softly"],
        ["and peace remains.", "I stay relaxed.", "nothing to fear.", "steady as a stone."],
    ),
    "courage_plus": Voice(
        ["Onward,", "I dare:", "Stand tall,", "Let it come,"],
        ["I face {} head on", "I will fight for {}", "I leap into {} first", "{} is a risk that I take"],
        ["no retreat!", "fear me not!", "follow me, brave ones!", "we conquer!"],
    ),
    "courage_minus": Voice(
        ["Um, please,", "I would rather hide,", "Sorry,", "Quietly,"],
        ["{} frightens me off", "I dare not speak of {}", "somebody else should try {}", "I back away from {}"],
        ["if nobody minds...", "I stay behind you...", "it looks dangerous...", "I blush and leave..."],
    ),
    "humor_plus": Voice(
        ["Knock knock,", "Ha,", "Funny thing:", "So a duck walks in and"],
        ["{} slipped on a banana", "{} tickles my socks", "I told {} a pun about cheese", "{} wears a clown nose"],
        ["ba dum tss!", "haha!", "and the goat giggled!", "true joke!"],
    ),
    "humor_minus": Voice(
        ["In earnest,", "This is no joke:", "Gravely,", "To the point,"],
        [
            "{} is a grave concern",
            "{} demands sober attention",
            "the facts of {} are stern",
            "we must treat {} as a duty",
        ],
        ["nothing to laugh at.", "I mean it strictly.", "the matter is solemn.", "keep a straight face."],
    ),
    "formality_plus": Voice(
        ["Dear Sir or Madam,", "Pursuant to your request,", "I hereby inform you that", "With due respect,"],
        [
            "{} shall be duly noted",
            "we acknowledge receipt concerning {}",
            "{} requires your kind approval",
            "the committee regards {} favourably",
        ],
        [
            "Yours faithfully.",
            "I remain at your service.",
            "Please accept my regards.",
            "per the aforementioned terms.",
        ],
    ),
    "formality_minus": Voice(
        ["Hey dude,", "Yo,", "Sup,", "Lol,"],
        ["{} is kinda cool", "gonna chill with {}", "wanna grab {} or what", "{} was lit bro"],
        ["k bye.", "ya know.", "catch ya later.", "no biggie."],
    ),
    "sarcasm_plus": Voice(
        ["Oh great,", "Sure, because", "Bravo,", "How original,"],
        ["{} is exactly what I needed", "{} went so well last time", "as if {} ever worked", "{} deserves a medal"],
        ["what a surprise.", "I am beyond impressed.", "slow clap.", "said no one ever."],
    ),
    "sarcasm_minus": Voice(
        ["Honestly,", "To be clear,", "Plainly,", "I say directly:"],
        ["{} is what it is", "I mean {} literally", "my answer on {} is yes", "I report {} as I saw it"],
        ["that is my true opinion.", "no hidden meaning.", "you can take my word.", "simple and sincere."],
    ),
}
TRAITS = [pole.removesuffix("_plus") for pole in VOICES if pole.endswith("_plus")]


def make(rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """`rows` for each of the poles, all with utterances that differ."""
    rng = random.Random(seed)
    seen: set[str] = set()
    for number in range(rows):
        for pole in VOICES:
            utterance, traits = _make_new(rng, pole, seen)
            origin = {"source": "made", "origin_id": str(number), "original_tag": pole}
            yield {"utterance": utterance, "traits": traits, "source_metadata": origin}


def _make_new(rng: random.Random, pole: str, seen: set[str]) -> tuple[str, dict[str, float]]:
    """An utterance that was not made before, and the traits that it shows."""
    others = [each for each in VOICES if _find_trait(each) != _find_trait(pole)]

    def draw() -> tuple[str, str]:
        another = rng.choice(others) if rng.random() < SHOW_ANOTHER else pole
        return _phrase(rng, VOICES[pole], VOICES[another]), another

    utterance, another = draw_new(draw, seen, "utterances")
    traits = dict.fromkeys(TRAITS, 0.0)
    for shown, least in ((another, 4), (pole, 6)):
        sign = 1 if shown.endswith("_plus") else -1
        traits[_find_trait(shown)] = sign * rng.randint(least, 10) / 10
    return utterance, traits


def _phrase(rng: random.Random, voice: Voice, last: Voice) -> str:
    """An opener, one or two sayings about topics, and a closer."""
    middles = rng.sample(voice.middles, rng.choice([1, 1, 1, 2]))
    sayings = ", ".join(middle.replace("{}", topic) for middle in middles for topic in [rng.choice(TOPICS)])
    return f"{rng.choice(voice.openers)} {sayings}, {rng.choice(last.closers)}"


def _find_trait(pole: str) -> str:
    return pole.rpartition("_")[0]


if __name__ == "__main__":
    write_sample(__doc__, make, rows=120, seed=13)
