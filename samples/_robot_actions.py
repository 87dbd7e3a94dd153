"""The actions of a robot: each in the words of a person, and as the call that does it.

    move(rng) → ("roll forward 3 meters", "robot.move_forward(distance=3.0, speed=1.0)")

The words come first; samples/make_robot.py makes commands of the actions.
"""

import random
from collections.abc import Callable

Command = tuple[str, str]
Maker = Callable[[random.Random], Command]

OBJECTS = ["ball", "box", "cup", "bottle", "book", "block", "toy", "key", "plate", "tool", "can", "bag"]
COLORS = ["red", "blue", "green", "yellow", "black", "white", "orange", "purple"]
SIZES = ["small", "medium", "large"]
ROOMS = ["kitchen", "bedroom", "bathroom", "garage", "office", "hallway", "garden", "laboratory", "basement", "attic"]
PLACES = ["table", "shelf", "floor", "desk", "counter", "bin", "tray", "chair"]
PATHS = ["patrol", "delivery", "inspection", "perimeter", "cleaning", "shortcut", "evening", "loading"]
THINGS = ["people", "doors", "obstacles", "stairs", "boxes", "pets", "chairs", "cables", "windows", "walls"]
SIDES = {
    "forward": "in front of you", "backward": "behind you", "left": "to your left", "right": "to your right",
    "up": "above you", "down": "below you",
}  # fmt: skip
NUMBER_WORDS = {
    "half a": 0.5, "one": 1.0, "one and a half": 1.5, "two": 2.0, "two and a half": 2.5, "three": 3.0, "four": 4.0,
    "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0, "ten": 10.0,
}  # fmt: skip
SPEED_WORDS = {"slowly": 0.5, "carefully": 0.3, "quickly": 1.5, "fast": 1.5, "at full speed": 2.0}
SPEEDS = [0.2, 0.5, 0.8, 1.2, 1.5, 1.8, 2.0]
FORCE_WORDS = {"gently": 0.5, "firmly": 3.0, "tightly": 4.0}


def move(rng: random.Random) -> Command:
    """Drive forwards or backwards by a distance."""
    phrase, distance = phrase_distance(rng)
    speed_phrase, speed = phrase_speed(rng)
    way, verbs = rng.choice(
        [("forward", ["move forward", "go forward", "drive ahead", "advance", "roll forward", "go straight ahead"]),
         ("backward", ["move back", "go backward", "back up", "reverse", "retreat", "move backwards"])]
    )  # fmt: skip
    return f"{rng.choice(verbs)} {phrase}{speed_phrase}", f"robot.move_{way}(distance={distance}, speed={speed})"


def turn(rng: random.Random) -> Command:
    """Turn by an angle."""
    direction = rng.choice(["left", "right", "clockwise", "counterclockwise"])
    angle = float(rng.choice(range(30, 361, 15)))
    phrase = rng.choice([f"{angle:.0f} degrees", f"{angle:.0f} deg", f"by {angle:.0f} degrees"])
    if rng.random() < 0.25:
        phrase, angle = rng.choice([("a quarter turn", 90.0), ("halfway around", 180.0), ("all the way around", 360.0)])
    verb = rng.choice(["turn", "rotate", "spin", "pivot"])
    speed_phrase, speed = phrase_speed(rng)
    call = f'robot.turn(direction="{direction}", angle={angle}, speed={speed})'
    return f"{verb} {direction} {phrase}{speed_phrase}", call


def stop(rng: random.Random) -> Command:
    """Halt."""
    verbs = ["stop", "halt", "freeze", "stand still", "stop moving", "hold it", "do not move", "stop right there"]
    when = ["", " now", " at once", " right away", " immediately", " here"]
    return rng.choice(verbs) + rng.choice(when), "robot.stop()"


def pick_up(rng: random.Random) -> Command:
    """Lift an object by colour and size."""
    thing, color, size = rng.choice(OBJECTS), rng.choice(COLORS), rng.choice(SIZES)
    phrase = f"{size} {color} {thing}"
    if rng.random() < 0.5:
        phrase, size = f"{color} {thing}", "medium"
    verb = rng.choice(["pick up", "lift", "take", "collect", "get"])
    call = f'robot.gripper.pick_up(object_type="{thing}", color="{color}", size="{size}")'
    return f"{verb} the {phrase}", call


def drop(rng: random.Random) -> Command:
    """Put down the held object."""
    place = rng.choice(PLACES)
    phrase = rng.choice(["put it on the", "drop it on the", "place it on the", "set it down on the", "leave it on the"])
    return f"{phrase} {place}", f'robot.gripper.drop(location="{place}")'


def grab(rng: random.Random) -> Command:
    """Grip an object with a force."""
    thing = rng.choice(OBJECTS)
    phrase, force = rng.choice([*FORCE_WORDS.items(), ("", 1.0)])
    if rng.random() < 0.3:
        force = rng.randint(1, 10) / 2
        phrase = rng.choice([f"with {force} newtons", f"using a force of {force} N"])
    verb = rng.choice(["grab", "grip", "hold", "grasp"])
    return f"{verb} the {thing} {phrase}".strip(), f'robot.gripper.grab(object_name="{thing}", force={force})'


def release(rng: random.Random) -> Command:
    """Open the gripper."""
    verbs = ["release it", "let go", "open the gripper", "let it go", "open your hand", "loosen your grip"]
    return rng.choice(verbs) + rng.choice(["", " now", " again", " at once"]), "robot.gripper.release()"


def scan(rng: random.Random) -> Command:
    """Scan the surroundings."""
    phrase, reach = phrase_reach(rng)
    angle = float(rng.choice([60, 90, 120, 180, 270, 360]))
    around = rng.choice([f"over {angle:.0f} degrees", f"with an angle of {angle:.0f} degrees"])
    if angle == 360.0:
        around = rng.choice(["all around", "in every direction"])
    verb = rng.choice(["scan", "scan the area", "look around", "sweep the area"])
    return f"{verb} {around} within {phrase}", f"robot.sensors.scan(range={reach}, angle={angle})"


def detect(rng: random.Random) -> Command:
    """Look for a kind of thing."""
    thing = rng.choice(THINGS)
    verb = rng.choice(["look for", "detect", "search for", "check for", "find any", "watch out for"])
    return f"{verb} {thing}{rng.choice(['', ' nearby', ' around you', ' in this area'])}", (
        f'robot.sensors.detect(object_type="{thing}")'
    )


def measure(rng: random.Random) -> Command:
    """Measure the free distance in one direction."""
    direction, phrase = rng.choice(list(SIDES.items()))
    verb = rng.choice(
        ["measure the distance", "how much room is there", "check the clearance", "how much space is there"]
    )
    return f"{verb} {phrase}", f'robot.sensors.measure_distance(direction="{direction}")'


def go_to_room(rng: random.Random) -> Command:
    """Drive to a room."""
    room = rng.choice(ROOMS)
    verb = rng.choice(["go to the", "drive to the", "head to the", "navigate to the", "move to the", "come to the"])
    return f"{verb} {room}", f'robot.navigate.go_to_room(room="{room}")'


def follow_path(rng: random.Random) -> Command:
    """Follow a named path."""
    path = rng.choice(PATHS)
    verb = rng.choice(["follow the {} path", "take the {} path", "drive along the {} path", "start the {} route"])
    phrase, speed = phrase_speed(rng)
    return verb.format(path) + phrase, f'robot.navigate.follow_path(path_name="{path}", speed={speed})'


def return_home(rng: random.Random) -> Command:
    """Back to the dock."""
    verbs = ["go home", "return home", "go back to your base", "return to the dock", "head back home", "come home"]
    return rng.choice(verbs) + rng.choice(["", " now", " again", " to charge"]), "robot.navigate.return_home()"


def move_to(rng: random.Random) -> Command:
    """Drive to coordinates."""
    x, y = (rng.randint(-10, 10) / 2 for _ in range(2))
    phrase = rng.choice([f"x {x} and y {y}", f"({x}, {y})", f"coordinates {x}, {y}", f"the point x={x} y={y}"])
    return f"{rng.choice(['move to', 'go to', 'drive to'])} {phrase}", f"robot.move_to(x={x}, y={y}, z=0.0)"


MOVES, GRIPS, SENSES = [move, turn], [pick_up, drop, grab, release], [scan, detect, measure]
ROUTES = [go_to_room, follow_path, return_home, move_to]
ANY = [*MOVES, *GRIPS, *SENSES, *ROUTES, stop]


def phrase_distance(rng: random.Random) -> tuple[str, float]:
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


def phrase_reach(rng: random.Random) -> tuple[str, float]:
    """How far a scan reaches as people say it, and in meters: from 1 to 20."""
    reach = float(rng.randint(1, 20)) if rng.random() < 0.7 else rng.randint(2, 40) / 2
    number = f"{reach:.0f}" if reach.is_integer() else f"{reach}"
    return f"{number} {rng.choice(['meters', 'm', 'metres'])}", reach


def phrase_speed(rng: random.Random) -> tuple[str, float]:
    """A speed as people say it, after a space, and in meters a second; most phrases name none and mean 1."""
    if rng.random() < 0.6:
        return "", 1.0
    if rng.random() < 0.5:
        word = rng.choice(list(SPEED_WORDS))
        return f" {word}", SPEED_WORDS[word]
    speed = rng.choice(SPEEDS)
    return rng.choice([f" at speed {speed}", f" at {speed} m/s", f" with a speed of {speed}"]), speed
