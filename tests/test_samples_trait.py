"""The trait sample is what its generator makes: twenty poles, each with words of its own."""

import json
from collections import Counter
from pathlib import Path

import pytest

from converters.trait import POLES, WORDS, Options, convert
from recipebook.data.dataset import prepare
from recipebook.recipe.resolve import resolve
from samples import _generator, make_trait

SAMPLE = Path(__file__).parents[1] / "samples" / "traits.jsonl"
RECORDS = [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def test_the_sample_is_what_its_generator_makes_and_is_small() -> None:
    assert list(make_trait.make(120, seed=13)) == RECORDS
    assert SAMPLE.stat().st_size < 800_000


def test_every_pole_has_120_rows_of_its_own_and_all_ten_traits_in_order() -> None:
    assert Counter(record["source_metadata"]["original_tag"] for record in RECORDS) == dict.fromkeys(POLES, 120)
    assert {tuple(record["traits"]) for record in RECORDS} == {tuple(WORDS)}


def test_the_full_size_can_be_made_and_no_utterance_comes_twice() -> None:
    utterances = {record["utterance"] for record in make_trait.make(2000, seed=13)}
    assert len(utterances) == 40_000


def test_a_row_is_in_its_pole_and_in_at_most_one_more() -> None:
    for record in RECORDS:
        (row,) = convert(record, Options())
        poles = row["meta"]["poles"].split()
        assert record["source_metadata"]["original_tag"] in poles
        assert len(poles) <= 2
    assert sum(" " in row["meta"]["poles"] for record in RECORDS for row in convert(record, Options())) > 300


def test_no_phrase_belongs_to_two_poles() -> None:
    phrases = [phrase for voice in make_trait.VOICES.values() for part in voice for phrase in part]
    assert len(phrases) == len(set(phrases)) == 20 * 12


def test_a_second_trait_shows_in_the_last_words() -> None:
    for record in RECORDS:
        shown = [trait for trait, amount in record["traits"].items() if amount]
        own = record["source_metadata"]["original_tag"]
        (another,) = [trait for trait in shown if not own.startswith(trait)] or [own.rpartition("_")[0]]
        pole = f"{another}_{'plus' if record['traits'][another] > 0 else 'minus'}"
        assert record["utterance"].endswith(tuple(make_trait.VOICES[pole].closers))
        assert record["utterance"].startswith(tuple(make_trait.VOICES[own].openers))


def test_a_generator_out_of_words_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_generator, "TRIES", 1)
    with pytest.raises(SystemExit, match=r"no more than [0-9]+ different utterances"):
        list(make_trait.make(10_000, seed=1))


@pytest.mark.parametrize("rows", [120, 500, 2000])
def test_seven_tenths_of_a_poles_records_are_trained_at_every_size(tmp_path: Path, rows: int) -> None:
    lines = [json.dumps(record) + "\n" for record in make_trait.make(rows, seed=13)]
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "traits.jsonl").write_text("".join(lines))
    for pole in ("wisdom_plus", "sarcasm_plus"):
        data = resolve("trait", overrides=[f"data.options.pole={pole}"]).recipe.data
        dataset = prepare(data, tmp_path / "cache", tmp_path)
        assert dataset.account.accepted == sum(dataset.rows.values())
        assert dataset.rows["train"] >= 0.7 * dataset.account.accepted
        assert 0 < dataset.rows["validation"] < dataset.rows["test"]
