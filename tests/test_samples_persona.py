"""The persona sample is what its generator makes, and what the home says can be read as settings."""

import json
from pathlib import Path

from eval.reading.devices import extract_actions
from samples.make_persona import make

SAMPLE = Path(__file__).parents[1] / "samples" / "persona.jsonl"
RECORDS = [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def test_the_sample_is_what_its_generator_makes_and_is_small() -> None:
    assert list(make(personas=32, dialogues=24, turns=2, seed=5)) == RECORDS
    assert SAMPLE.stat().st_size < 1_000_000


def test_every_persona_has_its_dialogues_and_one_character() -> None:
    characters = {(record["persona_id"], record["character"]) for record in RECORDS}
    assert sorted(name for name, _ in characters) == [f"persona_{number:03}" for number in range(32)]
    assert [record["session_id"] for record in RECORDS] == [*range(24)] * 32


def test_the_full_size_can_be_made_with_dialogues_of_up_to_ten_messages() -> None:
    lengths = [len(dialogue["messages"]) for dialogue in make(personas=200, dialogues=50, turns=5, seed=5)]
    assert (len(lengths), min(lengths), max(lengths)) == (10_000, 2, 10)


def test_settings_that_the_home_tells_can_be_read_back() -> None:
    said = [message["text"] for record in RECORDS for message in record["messages"] if message["role"] == "assistant"]
    settings = [extract_actions(text, "strict") for text in said if text.startswith("I have set")]
    assert len(settings) > 900 and all(settings)
