"""Makes robot commands: the words of a person, and the calls that carry them out.

    {"input": "please roll forward 3 meters", "output": "robot.move_forward(distance=3.0, speed=1.0)",
     "category": "movement"}

Twelve categories in equal number; wording runs from formal to casual, with politeness, typos, units, number words
and chains of two to four actions. The same seed makes the same file:

    python -m samples.make_robot --count 6000 --seed 7 --out samples/robot.json
"""

import itertools
import json
import random

from recipebook.files import write_text
from samples._generator import draw_new, read_arguments
from samples._robot_actions import (
    ANY,
    COLORS,
    MOVES,
    OBJECTS,
    PATHS,
    PLACES,
    ROOMS,
    ROUTES,
    SENSES,
    SIDES,
    SIZES,
    SPEEDS,
    THINGS,
    Command,
    Maker,
    detect,
    drop,
    go_to_room,
    grab,
    move_to,
    phrase_distance,
    phrase_reach,
    pick_up,
    release,
    return_home,
    scan,
    stop,
)

POLITE = ["please {}", "could you {}", "can you {}", "would you {} please", "{} please", "kindly {}"]
_SIDE_WORDS = " ".join(SIDES.values()).split()
CHATTY = [
    "hey robot, {}", "hi there, could you {} for me", "ok buddy, {}", "so, i would like you to {}, thanks",
    "hey, do me a favor and {}", "hello, i was wondering if you could {}", "alright my friend, {} now",
]  # fmt: skip


def conversational(rng: random.Random) -> Command:
    """A request wrapped in small talk."""
    phrase, call = rng.choice([*MOVES, pick_up, detect, go_to_room, return_home])(rng)
    return rng.choice(CHATTY).format(phrase), call


def error_handling(rng: random.Random) -> Command:
    """Something went wrong: get out of it."""
    thing, (phrase, distance) = rng.choice(OBJECTS), phrase_distance(rng)
    return rng.choice([
        (f"you are stuck, back up {phrase}", f"robot.move_backward(distance={distance}, speed=0.5)"),
        (f"something blocks the way, reverse {phrase} and scan",
         f"robot.move_backward(distance={distance}, speed=0.5)\n"
         "robot.sensors.scan(range=3.0, angle=360.0)"),
        (f"you dropped the {thing}, try to grab it again", f'robot.gripper.grab(object_name="{thing}", force=2.0)'),
        (f"the {thing} slips, hold it harder", f'robot.gripper.grab(object_name="{thing}", force=4.0)'),
        (f"wrong {thing}, let go and go home", "robot.gripper.release()\nrobot.navigate.return_home()"),
        (f"you lost the {thing}, stop and look for it",
         f'robot.stop()\nrobot.sensors.detect(object_type="{thing}")'),
    ])  # fmt: skip


def contextual(rng: random.Random) -> Command:
    """The situation implies the command."""
    room, thing, (phrase, distance) = rng.choice(ROOMS), rng.choice(OBJECTS), phrase_distance(rng)
    color, who = rng.choice(COLORS), rng.choice(["i am", "we are", "the guests are", "my son is", "my mother is"])
    return rng.choice([
        (f"{who} in the {room}, come here", f'robot.navigate.go_to_room(room="{room}")'),
        (f"the floor is wet, move forward {phrase}", f"robot.move_forward(distance={distance}, speed=0.3)"),
        (f"we are late, drive ahead {phrase}", f"robot.move_forward(distance={distance}, speed=2.0)"),
        (f"the {thing} is made of glass, grab it", f'robot.gripper.grab(object_name="{thing}", force=0.5)'),
        (f"your battery is low and you are in the {room}", "robot.navigate.return_home()"),
        (f"it is dark in the {room}, look for people there",
         f'robot.navigate.go_to_room(room="{room}")\nrobot.sensors.detect(object_type="people")'),
        (f"i need the {color} {thing} from the {room}", f'robot.navigate.go_to_room(room="{room}")\n'
         f'robot.gripper.pick_up(object_type="{thing}", color="{color}", size="medium")'),
    ])  # fmt: skip


def parametric(rng: random.Random) -> Command:
    """Every parameter is named with its value."""
    speed, distance, angle = rng.choice(SPEEDS), rng.randint(1, 20) / 2, float(rng.randrange(30, 361, 15))
    way, direction, path = rng.choice(["forward", "backward"]), rng.choice(["left", "right"]), rng.choice(PATHS)
    x, y, z = rng.randint(-10, 10) / 2, rng.randint(-10, 10) / 2, rng.randint(0, 4) / 2
    reach = rng.randint(2, 40) / 2
    return rng.choice([
        (f"move {way} with distance {distance} and speed {speed}",
         f"robot.move_{way}(distance={distance}, speed={speed})"),
        (f"turn {direction}, angle {angle:.0f}, speed {speed}",
         f'robot.turn(direction="{direction}", angle={angle}, speed={speed})'),
        (f"scan with range {reach} and angle {angle:.0f}", f"robot.sensors.scan(range={reach}, angle={angle})"),
        (f"move to x={x}, y={y}, z={z}", f"robot.move_to(x={x}, y={y}, z={z})"),
        (f"follow path {path} at speed {speed}", f'robot.navigate.follow_path(path_name="{path}", speed={speed})'),
    ])  # fmt: skip


def safety(rng: random.Random) -> Command:
    """Caution first."""
    (phrase, distance), (far, reach) = phrase_distance(rng), phrase_reach(rng)
    who = rng.choice(["child", "cat", "dog", "person", "baby", "worker", "visitor"])
    thing, shout = rng.choice(THINGS), rng.choice(["emergency", "danger", "watch out", "careful", "warning"])
    return rng.choice([
        (f"{shout}, there is a {who} in front of you, {rng.choice(['stop', 'halt', 'freeze'])}", "robot.stop()"),
        (f"back away from the {who} by {phrase}", f"robot.move_backward(distance={distance}, speed=0.3)"),
        (f"check for {thing} before you move {phrase}",
         f'robot.sensors.detect(object_type="{thing}")\nrobot.move_forward(distance={distance}, speed=0.5)'),
        (f"make sure the front is clear, then move {phrase}",
         f'robot.sensors.measure_distance(direction="forward")\nrobot.move_forward(distance={distance}, speed=0.5)'),
        (f"{shout}, stop and scan within {far}", f"robot.stop()\nrobot.sensors.scan(range={reach}, angle=360.0)"),
    ])  # fmt: skip


def efficiency(rng: random.Random) -> Command:
    """As fast as can be."""
    phrase, distance = phrase_distance(rng)
    path, way, room = rng.choice(PATHS), rng.choice(["forward", "backward"]), rng.choice(ROOMS)
    direction, angle = rng.choice(["left", "right"]), float(rng.choice(range(30, 361, 15)))
    return rng.choice([
        (f"move {way} {phrase} as fast as possible", f"robot.move_{way}(distance={distance}, speed=2.0)"),
        (f"take the {path} path in the shortest time",
         f'robot.navigate.follow_path(path_name="{path}", speed=2.0)'),
        (f"save energy and move {way} {phrase}", f"robot.move_{way}(distance={distance}, speed=0.5)"),
        (f"no detours, straight to the {room}", f'robot.navigate.go_to_room(room="{room}")'),
        (f"turn {direction} {angle:.0f} degrees without losing time",
         f'robot.turn(direction="{direction}", angle={angle}, speed=2.0)'),
    ])  # fmt: skip


def chain(rng: random.Random, length: int) -> Command:
    """Several actions in one breath."""
    commands = [maker(rng) for maker in rng.sample([*ANY, *MOVES], length)]
    phrases, calls = zip(*commands, strict=True)
    link = rng.choice([", then ", " and then ", ", and then ", ", after that "])
    return link.join(phrases), "\n".join(calls)


CATEGORIES: dict[str, Maker] = {
    "movement": lambda rng: rng.choice([*MOVES, *MOVES, *MOVES, stop])(rng),
    "manipulation": lambda rng: rng.choice([pick_up, pick_up, grab, grab, drop, release])(rng),
    "sensors": lambda rng: rng.choice([*SENSES, scan])(rng),
    "navigation": lambda rng: rng.choice([*ROUTES, move_to])(rng),
    "complex": lambda rng: chain(rng, 2),
    "conversational": conversational,
    "error_handling": error_handling,
    "chained_complex": lambda rng: chain(rng, rng.choice([3, 3, 4])),
    "contextual": contextual,
    "parametric": parametric,
    "safety": safety,
    "efficiency": efficiency,
}


def make(count: int, seed: int) -> list[dict[str, str]]:
    """`count` records with inputs that differ, the categories taking turns."""
    rng = random.Random(seed)
    seen: set[str] = set()
    records: list[dict[str, str]] = []
    for category in itertools.cycle(CATEGORIES):
        if len(records) == count:
            break
        phrase, calls = _make_new(rng, category, seen)
        records.append({"input": phrase, "output": calls, "category": category})
    return records


def _make_new(rng: random.Random, category: str, seen: set[str]) -> Command:
    """A command whose words were not used before, capitals aside."""

    def draw() -> tuple[str, Command]:
        phrase, calls = CATEGORIES[category](rng)
        phrase = _dress(rng, phrase, polite=category not in ("conversational", "safety"))
        return phrase.lower(), (phrase, calls)

    return draw_new(draw, seen, f"commands, none left in category {category}")[1]


def _dress(rng: random.Random, phrase: str, *, polite: bool) -> str:
    """Add what real input has: politeness, capitals, a full stop, a typo."""
    if polite and rng.random() < 0.3:
        phrase = rng.choice(POLITE).format(phrase)
    if rng.random() < 0.06:
        phrase = _misspell(rng, phrase)
    if rng.random() < 0.3:
        phrase = phrase[0].upper() + phrase[1:] + rng.choice([".", "!", "."])
    return phrase


def _misspell(rng: random.Random, phrase: str) -> str:
    """Swap two letters of a word that carries no parameter."""
    parameters = {*OBJECTS, *COLORS, *SIZES, *ROOMS, *PLACES, *PATHS, *THINGS, *_SIDE_WORDS}
    words = phrase.split(" ")
    plain = [at for at, word in enumerate(words) if word.isalpha() and len(word) > 3 and word not in parameters]
    if plain:
        at = rng.choice(plain)
        letter = rng.randrange(1, len(words[at]) - 2)
        word = words[at]
        words[at] = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    return " ".join(words)


def main() -> None:
    """Write a file of commands: one list, as people keep such files."""
    arguments = read_arguments(__doc__, count=6000, seed=7)
    records = make(arguments["count"], arguments["seed"])
    write_text(arguments["out"], "[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")


if __name__ == "__main__":
    main()
