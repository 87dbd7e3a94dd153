"""Makes robot commands: what a person might say, and the calls that do it.

    {"input": "please roll forward 3 meters", "output": "robot.move_forward(distance=3.0, speed=1.0)",
     "category": "movement"}

Twelve categories in equal number; wording runs from formal to casual, with politeness, typos, units, number words
and chains of two to four actions. The same seed makes the same file:

    python -m samples.make_robot --count 6000 --seed 7 --out samples/robot.json
"""

import argparse
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

Command = tuple[str, str]
TRIES = 10_000

OBJECTS = ["ball", "box", "cup", "bottle", "book", "block", "toy", "key", "plate", "tool", "can", "bag"]
COLORS = ["red", "blue", "green", "yellow", "black", "white", "orange", "purple"]
SIZES = ["small", "medium", "large"]
ROOMS = ["kitchen", "bedroom", "bathroom", "garage", "office", "hallway", "garden", "laboratory", "basement", "attic"]
PLACES = ["table", "shelf", "floor", "desk", "counter", "bin", "tray", "chair"]
PATHS = ["patrol", "delivery", "inspection", "perimeter", "cleaning", "shortcut", "evening", "loading"]
THINGS = ["people", "doors", "obstacles", "stairs", "boxes", "pets", "chairs", "cables", "windows", "walls"]
SIDES = ["front", "back", "left", "right"]
NUMBER_WORDS = {
    "half a": 0.5, "one": 1.0, "one and a half": 1.5, "two": 2.0, "two and a half": 2.5, "three": 3.0, "four": 4.0,
    "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0,
}  # fmt: skip
SPEED_WORDS = {"slowly": 0.5, "carefully": 0.3, "quickly": 1.5, "fast": 1.5, "at full speed": 2.0}
SPEEDS = [0.2, 0.5, 0.8, 1.2, 1.5, 1.8, 2.0]
FORCE_WORDS = {"gently": 0.5, "firmly": 3.0, "tightly": 4.0}
POLITE = ["please {}", "could you {}", "can you {}", "would you {} please", "{} please", "kindly {}"]
CHATTY = [
    "hey robot, {}", "hi there, could you {} for me", "ok buddy, {}", "so, i would like you to {}, thanks",
    "hey, do me a favor and {}", "hello, i was wondering if you could {}", "alright my friend, {} now",
]  # fmt: skip


def move(rng: random.Random) -> Command:
    """Drive forwards or backwards by a distance."""
    said, distance = _distance(rng)
    speed_said, speed = _speed(rng)
    way, verbs = rng.choice(
        [("forward", ["move forward", "go forward", "drive ahead", "advance", "roll forward", "go straight ahead"]),
         ("backward", ["move back", "go backward", "back up", "reverse", "retreat", "move backwards"])]
    )  # fmt: skip
    return f"{rng.choice(verbs)} {said}{speed_said}", f"robot.move_{way}(distance={distance}, speed={speed})"


def turn(rng: random.Random) -> Command:
    """Turn by an angle."""
    direction = rng.choice(["left", "right", "clockwise", "counterclockwise"])
    angle = float(rng.choice(range(30, 361, 15)))
    said = rng.choice([f"{angle:.0f} degrees", f"{angle:.0f} deg", f"by {angle:.0f} degrees"])
    if rng.random() < 0.25:
        said, angle = rng.choice([("a quarter turn", 90.0), ("halfway around", 180.0), ("all the way around", 360.0)])
    verb = rng.choice(["turn", "rotate", "spin", "pivot"])
    speed_said, speed = _speed(rng)
    call = f'robot.turn(direction="{direction}", angle={angle}, speed={speed})'
    return f"{verb} {direction} {said}{speed_said}", call


def stop(rng: random.Random) -> Command:
    """Halt."""
    verbs = ["stop", "halt", "freeze", "stand still", "stop moving", "hold it", "do not move", "stop right there"]
    when = ["", " now", " at once", " right away", " immediately", " here"]
    return rng.choice(verbs) + rng.choice(when), "robot.stop()"


def pick_up(rng: random.Random) -> Command:
    """Lift an object by colour and size."""
    thing, color, size = rng.choice(OBJECTS), rng.choice(COLORS), rng.choice(SIZES)
    said = f"{size} {color} {thing}"
    if rng.random() < 0.5:
        said, size = f"{color} {thing}", "medium"
    verb = rng.choice(["pick up", "lift", "take", "collect", "get"])
    call = f'robot.gripper.pick_up(object_type="{thing}", color="{color}", size="{size}")'
    return f"{verb} the {said}", call


def drop(rng: random.Random) -> Command:
    """Put down what is held."""
    place = rng.choice(PLACES)
    said = rng.choice(["put it on the", "drop it on the", "place it on the", "set it down on the", "leave it on the"])
    return f"{said} {place}", f'robot.gripper.drop(location="{place}")'


def grab(rng: random.Random) -> Command:
    """Grip an object with a force."""
    thing = rng.choice(OBJECTS)
    said, force = rng.choice([*FORCE_WORDS.items(), ("", 1.0)])
    if rng.random() < 0.3:
        force = rng.randint(1, 10) / 2
        said = rng.choice([f"with {force} newtons", f"using a force of {force} N"])
    verb = rng.choice(["grab", "grip", "hold", "grasp"])
    return f"{verb} the {thing} {said}".strip(), f'robot.gripper.grab(object_name="{thing}", force={force})'


def release(rng: random.Random) -> Command:
    """Open the gripper."""
    verbs = ["release it", "let go", "open the gripper", "let it go", "open your hand", "loosen your grip"]
    return rng.choice(verbs) + rng.choice(["", " now", " again", " at once"]), "robot.gripper.release()"


def scan(rng: random.Random) -> Command:
    """Scan the surroundings."""
    said, reach = _distance(rng)
    angle = float(rng.choice([60, 90, 120, 180, 270, 360]))
    around = rng.choice([f"over {angle:.0f} degrees", f"with an angle of {angle:.0f} degrees"])
    if angle == 360.0:
        around = rng.choice(["all around", "in every direction"])
    verb = rng.choice(["scan", "scan the area", "look around", "sweep the area"])
    return f"{verb} {around} within {said}", f"robot.sensors.scan(range={reach}, angle={angle})"


def detect(rng: random.Random) -> Command:
    """Look for a kind of thing."""
    thing = rng.choice(THINGS)
    verb = rng.choice(["look for", "detect", "search for", "check for", "find any", "watch out for"])
    return f"{verb} {thing}{rng.choice(['', ' nearby', ' around you', ' in this area'])}", (
        f'robot.sensors.detect(object_type="{thing}")'
    )


def measure(rng: random.Random) -> Command:
    """Measure the free distance on one side."""
    side = rng.choice(SIDES)
    said = {"front": "in front of you", "back": "behind you", "left": "to your left", "right": "to your right"}[side]
    verb = rng.choice(["measure the distance", "how much room is there", "check the clearance", "how far is the wall"])
    return f"{verb} {said}", f'robot.sensors.measure_distance(direction="{side}")'


def go_to_room(rng: random.Random) -> Command:
    """Drive to a room."""
    room = rng.choice(ROOMS)
    verb = rng.choice(["go to the", "drive to the", "head to the", "navigate to the", "move to the", "come to the"])
    return f"{verb} {room}", f'robot.navigate.go_to_room(room="{room}")'


def follow_path(rng: random.Random) -> Command:
    """Follow a named path."""
    path = rng.choice(PATHS)
    verb = rng.choice(["follow the {} path", "take the {} path", "drive along the {} path", "start the {} route"])
    said, speed = _speed(rng)
    return verb.format(path) + said, f'robot.navigate.follow_path(path_name="{path}", speed={speed})'


def return_home(rng: random.Random) -> Command:
    """Back to the dock."""
    verbs = ["go home", "return home", "go back to your base", "return to the dock", "head back home", "come home"]
    return rng.choice(verbs) + rng.choice(["", " now", " again", " to charge"]), "robot.navigate.return_home()"


def move_to(rng: random.Random) -> Command:
    """Drive to coordinates."""
    x, y = (rng.randint(-10, 10) / 2 for _ in range(2))
    said = rng.choice([f"x {x} and y {y}", f"({x}, {y})", f"coordinates {x}, {y}", f"the point x={x} y={y}"])
    return f"{rng.choice(['move to', 'go to', 'drive to'])} {said}", f"robot.move_to(x={x}, y={y}, z=0.0)"


MOVES, GRIPS, SENSES = [move, turn], [pick_up, drop, grab, release], [scan, detect, measure]
ROUTES = [go_to_room, follow_path, return_home, move_to]
ANY = [*MOVES, *GRIPS, *SENSES, *ROUTES, stop]
Maker = Callable[[random.Random], Command]


def conversational(rng: random.Random) -> Command:
    """A request wrapped in small talk."""
    said, call = rng.choice([*MOVES, pick_up, detect, go_to_room, return_home])(rng)
    return rng.choice(CHATTY).format(said), call


def error_handling(rng: random.Random) -> Command:
    """Something went wrong: get out of it."""
    thing, (said, distance) = rng.choice(OBJECTS), _distance(rng)
    return rng.choice([
        (f"you are stuck, back up {said}", f"robot.move_backward(distance={distance}, speed=0.5)"),
        (f"something blocks the way, reverse {said} and scan", f"robot.move_backward(distance={distance}, speed=0.5)\n"
         "robot.sensors.scan(range=3.0, angle=360.0)"),
        (f"you dropped the {thing}, try to grab it again", f'robot.gripper.grab(object_name="{thing}", force=2.0)'),
        (f"the {thing} slips, hold it harder", f'robot.gripper.grab(object_name="{thing}", force=4.0)'),
        (f"wrong {thing}, let go and go home", "robot.gripper.release()\nrobot.navigate.return_home()"),
        (f"you lost the {thing}, stop and look for it",
         f'robot.stop()\nrobot.sensors.detect(object_type="{thing}")'),
    ])  # fmt: skip


def contextual(rng: random.Random) -> Command:
    """The situation says what is meant."""
    room, thing, (said, distance) = rng.choice(ROOMS), rng.choice(OBJECTS), _distance(rng)
    color, who = rng.choice(COLORS), rng.choice(["i am", "we are", "the guests are", "my son is", "my mother is"])
    return rng.choice([
        (f"{who} in the {room}, come here", f'robot.navigate.go_to_room(room="{room}")'),
        (f"the floor is wet, move forward {said}", f"robot.move_forward(distance={distance}, speed=0.3)"),
        (f"we are late, drive ahead {said}", f"robot.move_forward(distance={distance}, speed=2.0)"),
        (f"the {thing} is made of glass, grab it", f'robot.gripper.grab(object_name="{thing}", force=0.5)'),
        (f"your battery is low and you are in the {room}", "robot.navigate.return_home()"),
        (f"it is dark in the {room}, look for people there",
         f'robot.navigate.go_to_room(room="{room}")\nrobot.sensors.detect(object_type="people")'),
        (f"i need the {color} {thing} from the {room}", f'robot.navigate.go_to_room(room="{room}")\n'
         f'robot.gripper.pick_up(object_type="{thing}", color="{color}", size="medium")'),
    ])  # fmt: skip


def parametric(rng: random.Random) -> Command:
    """Every parameter is said outright."""
    speed, distance, angle = rng.choice(SPEEDS), rng.randint(1, 20) / 2, float(rng.randrange(30, 361, 15))
    way, direction, path = rng.choice(["forward", "backward"]), rng.choice(["left", "right"]), rng.choice(PATHS)
    x, y, z = rng.randint(-10, 10) / 2, rng.randint(-10, 10) / 2, rng.randint(0, 4) / 2
    return rng.choice([
        (f"move {way} with distance {distance} and speed {speed}",
         f"robot.move_{way}(distance={distance}, speed={speed})"),
        (f"turn {direction}, angle {angle:.0f}, speed {speed}",
         f'robot.turn(direction="{direction}", angle={angle}, speed={speed})'),
        (f"scan with range {distance} and angle {angle:.0f}", f"robot.sensors.scan(range={distance}, angle={angle})"),
        (f"move to x={x}, y={y}, z={z}", f"robot.move_to(x={x}, y={y}, z={z})"),
        (f"follow path {path} at speed {speed}", f'robot.navigate.follow_path(path_name="{path}", speed={speed})'),
    ])  # fmt: skip


def safety(rng: random.Random) -> Command:
    """Caution first."""
    said, distance = _distance(rng)
    who = rng.choice(["child", "cat", "dog", "person", "baby", "worker", "visitor"])
    thing, shout = rng.choice(THINGS), rng.choice(["emergency", "danger", "watch out", "careful", "warning"])
    return rng.choice([
        (f"{shout}, there is a {who} in front of you, {rng.choice(['stop', 'halt', 'freeze'])}", "robot.stop()"),
        (f"back away from the {who} by {said}", f"robot.move_backward(distance={distance}, speed=0.3)"),
        (f"check for {thing} before you move {said}",
         f'robot.sensors.detect(object_type="{thing}")\nrobot.move_forward(distance={distance}, speed=0.5)'),
        (f"make sure the front is clear, then move {said}",
         f'robot.sensors.measure_distance(direction="front")\nrobot.move_forward(distance={distance}, speed=0.5)'),
        (f"{shout}, stop and scan within {said}", f"robot.stop()\nrobot.sensors.scan(range={distance}, angle=360.0)"),
    ])  # fmt: skip


def efficiency(rng: random.Random) -> Command:
    """As fast as can be."""
    said, distance = _distance(rng)
    path, way, room = rng.choice(PATHS), rng.choice(["forward", "backward"]), rng.choice(ROOMS)
    direction, angle = rng.choice(["left", "right"]), float(rng.choice(range(30, 361, 15)))
    return rng.choice([
        (f"move {way} {said} as fast as possible", f"robot.move_{way}(distance={distance}, speed=2.0)"),
        (f"take the {path} path in the shortest time",
         f'robot.navigate.follow_path(path_name="{path}", speed=2.0)'),
        (f"save energy and move {way} {said}", f"robot.move_{way}(distance={distance}, speed=0.5)"),
        (f"no detours, straight to the {room}", f'robot.navigate.go_to_room(room="{room}")'),
        (f"turn {direction} {angle:.0f} degrees without losing time",
         f'robot.turn(direction="{direction}", angle={angle}, speed=2.0)'),
    ])  # fmt: skip


def chain(rng: random.Random, length: int) -> Command:
    """Several actions in one breath."""
    commands = [maker(rng) for maker in rng.sample([*ANY, *MOVES], length)]
    said, calls = zip(*commands, strict=True)
    link = rng.choice([", then ", " and then ", ", and then ", ", after that "])
    return link.join(said), "\n".join(calls)


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
        said, calls = _make_new(rng, category, seen)
        records.append({"input": said, "output": calls, "category": category})
    return records


def _make_new(rng: random.Random, category: str, seen: set[str]) -> Command:
    """A command whose words were not said before; a category that has run out of them is an error."""
    for _ in range(TRIES):
        said, calls = CATEGORIES[category](rng)
        said = _dress(rng, said, polite=category not in ("conversational", "safety"))
        if said.lower() not in seen:
            seen.add(said.lower())
            return said, calls
    raise SystemExit(f"make_robot.py: no {len(seen) // len(CATEGORIES)} different commands in category {category}")


def _distance(rng: random.Random) -> tuple[str, float]:
    """A distance as people say it, and in meters."""
    kind = rng.random()
    if kind < 0.15:
        word = rng.choice(list(NUMBER_WORDS))
        return f"{word} meter{'s' if NUMBER_WORDS[word] > 1 else ''}", NUMBER_WORDS[word]
    if kind < 0.25:
        centimeters = rng.choice(range(50, 1000, 50))
        return f"{centimeters} {rng.choice(['cm', 'centimeters'])}", centimeters / 100
    distance = rng.randint(1, 20) / 2 if kind < 0.7 else float(rng.randint(1, 10))
    number = f"{distance:.0f}" if distance.is_integer() else f"{distance}"
    return f"{number} {rng.choice(['meters', 'meters', 'm', 'metres'])}", distance


def _speed(rng: random.Random) -> tuple[str, float]:
    """A speed as people say it, after a space, and in meters a second; most say none and mean 1."""
    if rng.random() < 0.6:
        return "", 1.0
    if rng.random() < 0.5:
        word = rng.choice(list(SPEED_WORDS))
        return f" {word}", SPEED_WORDS[word]
    speed = rng.choice(SPEEDS)
    return rng.choice([f" at speed {speed}", f" at {speed} m/s", f" with a speed of {speed}"]), speed


def _dress(rng: random.Random, said: str, *, polite: bool) -> str:
    """Politeness, capitals, a full stop, a typo: what real input wears."""
    if polite and rng.random() < 0.3:
        said = rng.choice(POLITE).format(said)
    if rng.random() < 0.06:
        said = _misspell(rng, said)
    if rng.random() < 0.3:
        said = said[0].upper() + said[1:] + rng.choice([".", "!", "."])
    return said


def _misspell(rng: random.Random, said: str) -> str:
    """Swap two letters of a word that carries no parameter."""
    parameters = {*OBJECTS, *COLORS, *SIZES, *ROOMS, *PLACES, *PATHS, *THINGS, *SIDES}
    words = said.split(" ")
    plain = [at for at, word in enumerate(words) if word.isalpha() and len(word) > 3 and word not in parameters]
    if plain:
        at = rng.choice(plain)
        letter = rng.randrange(1, len(words[at]) - 2)
        word = words[at]
        words[at] = word[:letter] + word[letter + 1] + word[letter] + word[letter + 2 :]
    return " ".join(words)


def main() -> None:
    """Write a file of commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    records = make(arguments.count, arguments.seed)
    arguments.out.write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")


if __name__ == "__main__":
    main()
