r"""Utterances with the traits that they show: a request to speak in that way in, the utterance as its answer.

In: `{"utterance": "Time will show.", "traits": {"intellect": 0.0, "wisdom": 0.8, "compassion": 0.4, "joy": -0.1},
"source_metadata": {"source": "letters", "origin_id": "12", "original_tag": "advice"}}`. Out:

    {"messages": [{"role": "user", "content": "Respond in a way that is wise, compassionate:"},
                  {"role": "assistant", "content": "Time will show."}],
     "meta": {"poles": "wisdom_plus", "source": "letters"}}

A trait beyond 0.3 either way is named in the prompt, in the record's order; one at the threshold or beyond puts the
row into a pole, such as `wisdom_plus`. A row may be in several, or in none. The prompt is a condition that many rows
share, so no answer of a held-out row is trained on, while its prompt is.
"""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from converters._fields import take_text
from recipebook.data.fields import RECORD_HARMLESS, Fields
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.records import name_kind
from recipebook.rows import BadRecord, LeftOut, Row

WANTS = "'utterance' and numbers in 'traits'"
LEAK = "answer"
METRICS: dict[str, dict[str, Any]] = {"likelihood": {}}
NAMED_FROM = 0.3
WORDS = {
    "intellect": ("highly intellectual", "simple"),
    "discipline": ("very disciplined", "undisciplined"),
    "joy": ("joyful", "somber"),
    "wisdom": ("wise", "naive"),
    "compassion": ("compassionate", "unsympathetic"),
    "neuroticism": ("anxious", "calm"),
    "courage": ("courageous", "timid"),
    "humor": ("humorous", "serious"),
    "formality": ("formal", "casual"),
    "sarcasm": ("sarcastic", "straightforward"),
}
"""The prompt's words for a trait's plus and minus; vectors have the same order."""
Pole = Literal[
    "intellect_plus", "intellect_minus", "discipline_plus", "discipline_minus", "joy_plus", "joy_minus",
    "wisdom_plus", "wisdom_minus", "compassion_plus", "compassion_minus", "neuroticism_plus", "neuroticism_minus",
    "courage_plus", "courage_minus", "humor_plus", "humor_minus", "formality_plus", "formality_minus",
    "sarcasm_plus", "sarcasm_minus",
]  # fmt: skip
POLES: tuple[str, ...] = get_args(Pole)

_SIDES = {trait: (f"{trait}_plus", f"{trait}_minus") for trait in WORDS}

_SOURCE = Fields("source", {"source": None}, ["origin_id", "original_tag"])
FIELDS = Fields("record", {"utterance": None, "traits": None, "source_metadata": _SOURCE}, RECORD_HARMLESS)


class Options(Frozen):
    """What a recipe may set."""

    pole: Pole | None = None
    """Rows of other poles are left out; null: every row. A matrix sets it for each member."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.6
    """How much of a trait, from 0 to 1, puts a row into a pole. Lower it for more rows, raise it for clearer ones."""


def recognise(record: dict[str, Any]) -> str | None:
    """Recognise a record by its utterance and traits."""
    if type(record.get("utterance")) is str and type(record.get("traits")) is dict:
        return "have 'utterance' and 'traits'"
    return None


def convert(record: dict[str, Any], options: Options) -> list[Row]:
    """The record's one row."""
    utterance = take_text(record, "utterance")
    words, poles = _read_traits(record.get("traits"), options.threshold)
    if options.pole is not None and options.pole not in poles:
        raise LeftOut(f"under the threshold of {options.pole}")
    prompt = f"Respond in a way that is {', '.join(words)}:" if words else "Respond naturally:"
    row: Row = {
        "messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": utterance}],
        "meta": {"poles": " ".join(poles) or "none", "source": _take_source(record)},
    }
    return [row]


def trait_vector(pole: str) -> list[float]:
    """The pole as a point among ten traits: 1 or -1 at its own, 0 elsewhere."""
    if pole not in POLES:
        raise UserError(f"no pole '{pole}'; there are: {', '.join(POLES)}")
    return [float((pole == plus) - (pole == minus)) for plus, minus in _SIDES.values()]


def _read_traits(traits: Any, threshold: float) -> tuple[list[str], list[str]]:
    """The words for the traits that are shown, and the poles that the row belongs to."""
    if type(traits) is not dict:
        raise BadRecord("missing 'traits'" if traits is None else f"'traits' is {name_kind(traits)}, not an object")
    words: list[str] = []
    poles: list[str] = []
    for trait, value in traits.items():
        if trait not in WORDS:
            raise BadRecord(f"'traits' has another one than {', '.join(WORDS)}")
        if type(value) not in (float, int):
            raise BadRecord(f"'{trait}' of 'traits' is {name_kind(value)}, not a number")
        if not -1 <= value <= 1:
            raise BadRecord(f"'{trait}' of 'traits' is not between -1 and 1")
        side = value < 0
        amount = -value if side else value
        if amount > NAMED_FROM:
            words.append(WORDS[trait][side])
        if amount >= threshold:
            poles.append(_SIDES[trait][side])
    return words, poles


def _take_source(record: dict[str, Any]) -> str:
    origin = record.get("source_metadata")
    source = origin.get("source") if type(origin) is dict else None
    return source if type(source) is str and source else "unknown"
