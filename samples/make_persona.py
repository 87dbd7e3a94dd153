"""Makes persona dialogues: people with habits, and what they and their smart home say to each other.

    {"persona_id": "persona_000", "session_id": 0, "character": "A quiet baker. In the evening: …",
     "routines": [{"triggers": {"time_of_day": "evening"}, "actions": {"tv": null, "ac": {"temperature": 22, …}, …}}],
     "meta": {"time_of_day": "evening", "day_of_week": "weekday", …},
     "messages": [{"role": "user", "text": "Good evening, I am home."}, {"role": "assistant", "text": "…"}],
     "applied_routines": [0]}

A persona has two routines, each for a time of the day and two devices; its `character` has them in words. The home's
answers follow from the profile and the dialogue alone, so they can be learned. A dialogue has up to `--turns`
exchanges. The same seed makes the same file:

    python -m samples.make_persona --personas 32 --dialogues 24 --seed 5 --out samples/persona.jsonl
    python -m samples.make_persona --personas 200 --dialogues 50 --turns 5 --seed 5 --out /tmp/full.jsonl
"""

import json
import random
from collections.abc import Iterator
from typing import Any

from samples._generator import write_sample

MANNERS = ["quiet", "cheerful", "careful", "busy", "curious", "patient", "serious", "gentle"]
JOBS = ["baker", "teacher", "nurse", "writer", "student", "gardener", "engineer", "singer", "driver", "librarian"]
TIMES = {"morning": "after_sunrise", "afternoon": "day", "evening": "after_sunset", "night": "dark"}
WEATHER = ["sunny", "rainy", "cloudy", "windy"]
OUTDOORS = ["cold", "mild", "hot"]
THANKS = ["Thank you.", "Thanks a lot.", "That is nice.", "Perfect, thanks."]
WELCOME = "You are welcome. Tell me if you need anything else."
Actions = dict[str, dict[str, Any]]


def make(personas: int, dialogues: int, turns: int, seed: int) -> Iterator[dict[str, Any]]:
    """`dialogues` of each persona, of one to `turns` exchanges."""
    rng = random.Random(seed)
    for number in range(personas):
        routines = dict(zip(rng.sample(list(TIMES), 2), (_choose_actions(rng), _choose_actions(rng)), strict=True))
        character = f"A {rng.choice(MANNERS)} {rng.choice(JOBS)}. " + " ".join(
            f"In the {time}: {_describe_all(actions)}." for time, actions in routines.items()
        )
        routine_texts = [
            {"triggers": {"time_of_day": time}, "actions": {**dict.fromkeys(DEVICES), **actions}}
            for time, actions in routines.items()
        ]
        for session in range(dialogues):
            time, exchanges = _talk(rng, routines, rng.randint(1, turns))
            yield {
                "persona_id": f"persona_{number:03}",
                "session_id": session,
                "character": character,
                "routines": routine_texts,
                "meta": {
                    "time_of_day": time, "day_of_week": rng.choice(["weekday", "weekend"]), "sun_phase": TIMES[time],
                    "weather": rng.choice(WEATHER), "outdoor_temp": rng.choice(OUTDOORS),
                },
                "messages": [
                    {"role": role, "text": text}
                    for exchange in exchanges
                    for role, text in zip(("user", "assistant"), exchange, strict=True)
                ],
                "applied_routines": [list(routines).index(time)],
            }  # fmt: skip


def set_tv(rng: random.Random) -> dict[str, Any]:
    """Television."""
    return {"volume": rng.randrange(5, 60, 5), "input_source": rng.choice(["HDMI1", "HDMI2", "Netflix", "YouTube"])}


def set_ac(rng: random.Random) -> dict[str, Any]:
    """Air conditioning."""
    mode = rng.choice(["cool", "heat", "auto"])
    return {"temperature": rng.randint(16, 30), "mode": mode, "fan_speed": rng.randint(0, 3)}


def set_lights(rng: random.Random) -> dict[str, Any]:
    """Lights."""
    color, mode = rng.choice(["warm", "cool", "neutral"]), rng.choice(["static", "dynamic"])
    return {"brightness": rng.randrange(10, 101, 10), "color": color, "mode": mode}


def set_speaker(rng: random.Random) -> dict[str, Any]:
    """Speaker."""
    return {"volume": rng.randrange(5, 60, 5), "equalizer": rng.choice(["bass boost", "balanced", "treble boost"])}


def set_security(rng: random.Random) -> dict[str, Any]:
    """Alarm."""
    return {"armed": rng.random() < 0.5, "alarm_volume": rng.randrange(10, 100, 10)}


DEVICES = {"tv": set_tv, "ac": set_ac, "lights": set_lights, "speaker": set_speaker, "security": set_security}


def describe(device: str, settings: dict[str, Any]) -> str:
    """A device's settings in the words of a home that has just made them."""
    match device:
        case "tv":
            return f"tv volume to {settings['volume']}, input source to {settings['input_source']}"
        case "ac":
            fan = f"fan speed to {settings['fan_speed']}"
            return f"ac to {settings['temperature']} degrees, {settings['mode']} mode, {fan}"
        case "lights":
            return f"lights to {settings['brightness']} percent, {settings['color']} color, {settings['mode']} mode"
        case "speaker":
            return f"speaker volume to {settings['volume']}, {settings['equalizer']}"
    return f"security {'armed' if settings['armed'] else 'disarmed'}, alarm volume to {settings['alarm_volume']}"


def _choose_actions(rng: random.Random) -> Actions:
    # Television and speaker both have a volume: in one sentence it would be unclear whose it is.
    devices = rng.choice(
        [["tv", "ac"], ["ac", "lights"], ["lights", "speaker"], ["lights", "security"], ["tv", "lights"]]
    )
    return {device: DEVICES[device](rng) for device in devices}


def _describe_all(actions: Actions) -> str:
    return " and ".join(describe(device, settings) for device, settings in actions.items())


def _talk(rng: random.Random, routines: dict[str, Actions], count: int) -> tuple[str, list[tuple[str, str]]]:
    """The time of the day, and the exchanges of the dialogue."""
    time = rng.choice(list(routines))
    kinds = [rng.choice(["routine", "one", "other"])]
    kinds += [rng.choice(["one", "other", "other", "thanks"]) for _ in range(count - 1)]
    return time, [_exchange(rng, kind, time, routines[time]) for kind in kinds]


def _exchange(rng: random.Random, kind: str, time: str, actions: Actions) -> tuple[str, str]:
    if kind == "thanks":
        return rng.choice(THANKS), WELCOME
    if kind == "routine":
        request = rng.choice(["I am home.", "make it as I like it.", "the usual, please.", "prepare the room."])
        return f"Good {time}, {request}", f"I have set the {_describe_all(actions)}."
    device = rng.choice(list(actions if kind == "one" else DEVICES))
    name = {"tv": "tv", "ac": "ac", "lights": "lights", "speaker": "speaker", "security": "alarm"}[device]
    if kind == "one":
        request = rng.choice(
            ["Set the {} as I like in the {}.", "Please do the {} for the {}.", "The {} for my {}, please."]
        )
        return request.format(name, time), f"I have set the {describe(device, actions[device])}."
    settings = DEVICES[device](rng)
    request = rng.choice(["This time {}, please.", "Now I want the {}.", "Can you change the {}?", "Today {}."])
    described = describe(device, settings)
    return request.format(described), f"I have set the {described}."


if __name__ == "__main__":
    write_sample(__doc__, make, json.dumps, personas=32, dialogues=24, turns=2, seed=5)
