r"""What an assistant says it did in a smart home: its answer in, settings by device out.

    "Setting the AC to 22 degrees in heat mode, tv volume to 30."
    → {"tv": {"volume": 30}, "ac": {"temperature": 22, "mode": "heat"}}

A device is there if it is named and has at least one setting. Of several matches the first counts; of several values
whose phrases match, the first one listed. Case does not count. Every pattern stands below once, with `\b` where
`strict` wants a word to begin or end; `compat` leaves them out, and then "arm" is in "warm", "ac" in "place" and a
decimal point ends a number, as in the program whose figures that mode is to repeat.
"""

import functools
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

Mode = Literal["strict", "compat"]
Value = float | bool | str
Actions = dict[str, dict[str, Value]]

NUMERICAL = frozenset({"temperature", "volume", "brightness", "fan_speed", "alarm_volume"})


class _Device(NamedTuple):
    """How a device is named, what is read after a phrase, and which phrases stand for a value, by parameter."""

    named: str
    read: Mapping[str, str]
    phrases: Mapping[str, Mapping[Value, str]]


def extract_actions(text: str, mode: Mode) -> Actions:
    """Read settings by device, in a fixed order of devices."""
    lowered = text.lower()
    actions = {device: _read_settings(lowered, patterns) for device, patterns in _compile_devices(mode).items()}
    return {device: settings for device, settings in actions.items() if settings}


def _list_power(name: str) -> Mapping[Value, str]:
    return {
        "on": rf"\bturn(?:ing)?\s+on\s+(?:the\s+)?{name}",
        "off": rf"\bturn(?:ing|ed)?\s+off\s+(?:the\s+)?{name}",
    }


def _list_phrases(forms: tuple[str, ...], *values: str) -> Mapping[Value, str]:
    return {value: "|".join(rf"\b{form.format(value)}\b" for form in forms) for value in values}


_MODE = ("{} mode", "mode to {}")

_DEVICES = {
    "tv": _Device(
        r"\b(?:tv|television)s?\b",
        {
            "volume": r"\bvolume\s+(?:to|at)\s+NUMBER",
            "brightness": r"\bbrightness\s+(?:to|at)\s+NUMBER",
            "input_source": r"\binput\s+source\s+(?:to|is)\s+(\w+)",
        },
        {"power": _list_power(r"tv\b")},
    ),
    "ac": _Device(
        r"\b(?:ac|air condition(?:er|ers|ing)?|heat(?:er|ers|ing)?|cool(?:er|ers|ing)?)\b",
        {"temperature": r"NUMBER\s*degrees?\b", "fan_speed": r"\bfan\s+speed\s+(?:to|at)\s+NUMBER"},
        {"mode": _list_phrases((*_MODE, "set to {}"), "heat", "cool", "auto"), "power": _list_power(r"ac\b")},
    ),
    "lights": _Device(
        r"\b(?:light(?:s|ing)?|lamps?)\b",
        {"brightness": r"NUMBER\s*(?:%|percent\b)"},
        {
            "color": _list_phrases(
                ("{} color", "color to {}"), "warm", "cool", "neutral", "white", "red", "blue", "green"
            ),
            "mode": _list_phrases(_MODE, "static", "dynamic"),
            "power": _list_power(r"lights?\b"),
        },
    ),
    "speaker": _Device(
        r"\b(?:speakers?|music|audio)\b",
        {"volume": r"\bvolume\s+(?:to|at)\s+NUMBER"},
        {
            "equalizer": _list_phrases(("{}",), "balanced", "bass boost", "treble boost", "bass", "treble"),
            "power": _list_power(r"speakers?\b"),
        },
    ),
    "security": _Device(
        r"\b(?:security|alarms?|(?:dis)?arm(?:s|ed|ing)?)\b",
        {"alarm_volume": r"\balarm\s+volume\s+(?:to|at)\s+NUMBER"},
        {"armed": {False: r"\bdisarm(?:s|ed|ing)?\b", True: r"\barm(?:s|ed|ing)?\b"}},
    ),
}
# More than 15 digits are no setting; possessive, since a long run of digits would else be tried from every digit.
_NUMBERS = {
    "strict": r"(?<![0-9])(?<![0-9]\.)([0-9]{1,15}+(?:\.[0-9]{1,15}+)?+)(?![0-9])",
    "compat": r"(?<![0-9])([0-9]{1,15}+)(?![0-9])",
}


class _Patterns(NamedTuple):
    named: re.Pattern[str]
    read: dict[str, re.Pattern[str]]
    phrases: dict[str, dict[Value, re.Pattern[str]]]


@functools.cache
def _compile_devices(mode: Mode) -> dict[str, _Patterns]:
    def build(pattern: str) -> re.Pattern[str]:
        kept = pattern if mode == "strict" else pattern.replace(r"\b", "")
        return re.compile(kept.replace("NUMBER", _NUMBERS[mode]))

    return {
        name: _Patterns(
            build(device.named),
            {parameter: build(pattern) for parameter, pattern in device.read.items()},
            {
                parameter: {value: build(pattern) for value, pattern in values.items()}
                for parameter, values in device.phrases.items()
            },
        )
        for name, device in _DEVICES.items()
    }


def _read_settings(text: str, patterns: _Patterns) -> dict[str, Value]:
    settings: dict[str, Value] = {}
    if not patterns.named.search(text):
        return settings
    for parameter, pattern in patterns.read.items():
        if found := pattern.search(text):
            settings[parameter] = float(found[1]) if parameter in NUMERICAL else found[1]
    for parameter, values in patterns.phrases.items():
        for value, pattern in values.items():
            if pattern.search(text):
                settings[parameter] = value
                break
    return settings
