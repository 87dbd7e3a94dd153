"""Every converter does to its sample file what the file says; a converter without one fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from recipebook.data.converter import find_converter
from recipebook.modules import CONVERTER, list_names
from recipebook.rows import BadRecord

SAMPLES = Path(__file__).parent.parent / "samples" / "converters"


def convert_sample(converter: str, sample: dict[str, Any]) -> dict[str, Any]:
    found = find_converter(converter)
    options = found.options.model_validate(sample.get("options", {}))
    given = {key: sample[key] for key in ("in", "options") if key in sample}
    try:
        return {**given, "out": found.convert(sample["in"], options)}
    except BadRecord as reason:
        return {**given, "error": str(reason)}


@pytest.mark.parametrize("converter", list_names(CONVERTER))
def test_converter_does_what_its_sample_says(converter: str) -> None:
    samples = [json.loads(line) for line in (SAMPLES / f"{converter}.jsonl").read_text().splitlines()]
    assert samples
    assert [convert_sample(converter, sample) for sample in samples] == samples


def test_every_sample_belongs_to_a_converter() -> None:
    assert {path.stem for path in SAMPLES.glob("*.jsonl")} == set(list_names(CONVERTER))
