"""Settings are read as the rules say: whole words by default, parts of words to repeat published figures."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.reading.devices import Actions, Mode, extract_actions

PIECES = ["tv ", "ac ", "volume to ", "brightness at ", "fan speed to ", "turn on the ", "turning off ", "lights ",
          "color to warm", " cool mode", "9", "9" * 400, ".", " ", "%", "degrees", "disarm", "alarm ",
          "bass boost "]  # fmt: skip
TEXTS = st.text() | st.lists(st.sampled_from(PIECES)).map("".join)


@pytest.mark.parametrize("mode", ["strict", "compat"])
@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("TV volume to 25 and brightness at 40, input source to HDMI1.",
         {"tv": {"volume": 25, "brightness": 40, "input_source": "hdmi1"}}),
        ("The television: input source is Netflix.", {"tv": {"input_source": "netflix"}}),
        ("Turning on the TV.", {"tv": {"power": "on"}}),
        ("I turned off the tv.", {"tv": {"power": "off"}}),
        ("Air conditioning on auto: mode to auto, 21degrees, fan speed at 3.",
         {"ac": {"temperature": 21, "mode": "auto", "fan_speed": 3}}),
        ("The heater is set to cool, then heat mode.", {"ac": {"mode": "heat"}}),
        ("Lights to 40%, then 60 percent, color to blue, dynamic mode.",
         {"lights": {"brightness": 40, "color": "blue", "mode": "dynamic"}}),
        ("Turn on the lights and the lamp.", {"lights": {"power": "on"}}),
        ("Speaker volume to 30, treble boost and balanced.", {"speaker": {"volume": 30, "equalizer": "balanced"}}),
        ("Music with bass, turn off the speaker.", {"speaker": {"equalizer": "bass", "power": "off"}}),
        ("Arming security, alarm volume to 70.", {"security": {"armed": True, "alarm_volume": 70}}),
        ("I have disarmed and not armed the house.", {"security": {"armed": False}}),
        ("Tv volume to 15 and music volume to 30.", {"tv": {"volume": 15}, "speaker": {"volume": 15}}),
        ("The tv is nice, the ac is loud, the lights are old, the speaker is new.", {}),
        ("Volume to 30.", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_settings_are_read_by_device(text: str, actions: Actions, mode: Mode) -> None:
    assert extract_actions(text, mode) == actions


@pytest.mark.parametrize(
    ("text", "strict", "compat"),
    [
        ("A warm evening.", {}, {"security": {"armed": True}}),
        ("The alarm rings.", {}, {"security": {"armed": True}}),
        ("Place it at 20 degrees.", {}, {"ac": {"temperature": 20}}),
        ("AC to 22.5 degrees.", {"ac": {"temperature": 22.5}}, {"ac": {"temperature": 5}}),
        ("Delightful at 30 percent.", {}, {"lights": {"brightness": 30}}),
        ("Reheat mode on the ac.", {}, {"ac": {"mode": "heat"}}),
        ("Unbalanced audio.", {}, {"speaker": {"equalizer": "balanced"}}),
    ],
)
def test_parts_of_words_and_of_numbers_count_in_compat_alone(text: str, strict: Actions, compat: Actions) -> None:
    assert (extract_actions(text, "strict"), extract_actions(text, "compat")) == (strict, compat)


def test_numbers_no_device_has_are_no_settings() -> None:
    assert extract_actions("ac to " + "9" * 400 + " degrees", "strict") == {}
    assert extract_actions("ac to " + "9" * 400 + " degrees", "compat") == {}


@given(TEXTS)
def test_any_text_gives_known_devices_with_settings(text: str) -> None:
    for mode in ("strict", "compat"):
        actions = extract_actions(text, mode)
        assert actions.keys() <= {"tv", "ac", "lights", "speaker", "security"}
        assert all(actions.values())


@pytest.mark.parametrize("piece", ["9", " ", "volume ", "9.9", "turn on ", "air condition", "9 "])
def test_long_texts_take_no_long_time(piece: str) -> None:
    started = time.process_time()
    for mode in ("strict", "compat"):
        extract_actions("tv ac light music alarm " + piece * 20_000, mode)
    assert time.process_time() - started < 2
