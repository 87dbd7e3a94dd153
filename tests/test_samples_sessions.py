"""The sample of sessions is what its generator makes: thirty tasks, most of them solved once and failed once."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from converters.sessions import Options, choose_join, convert
from recipebook.records import Record
from recipebook.rows import LeftOut, Row
from samples import make_sessions

SAMPLE = Path(__file__).parents[1] / "samples" / "sessions.jsonl"
RECORDS = [json.loads(line) for line in SAMPLE.read_text().splitlines()]


def convert_all(options: Options) -> list[Row]:
    rows: list[Row] = []
    join = choose_join(options) or iter
    for record in join([Record(number, number, value) for number, value in enumerate(RECORDS, 1)]):
        assert isinstance(record.value, dict)
        with suppress(LeftOut):
            rows += convert(record.value, options)
    return rows


def test_the_sample_is_what_its_generator_makes() -> None:
    assert list(make_sessions.make(30, seed=17)) == RECORDS


def test_every_task_has_two_sessions_and_most_a_success_and_a_failure() -> None:
    outcomes: dict[str, list[str]] = {}
    for record in RECORDS:
        outcomes.setdefault(record["sample_index"], []).append(record["evaluation_record"]["outcome"])
    assert Counter(" ".join(sorted(each)) for each in outcomes.values()) == {
        "correct incorrect": 24,
        "correct correct": 3,
        "incorrect unknown": 3,
    }


def test_every_success_becomes_a_chat_that_ends_with_the_agent() -> None:
    rows = convert_all(Options())
    assert Counter(row["meta"]["status"] for row in rows) == {"completed": 27, "task_limit_reached": 3}
    assert {row["messages"][-1]["role"] for row in rows} == {"assistant"}
    assert {row["meta"]["rounds"] for row in rows} == {2, 3, 5}


def test_every_failure_beside_a_success_makes_a_pair_of_commands_for_one_task() -> None:
    rows = convert_all(Options(form="pairs"))
    assert len(rows) == 24
    for row in rows:
        chosen, rejected = row["chosen"]["content"], row["rejected"]["content"]
        assert chosen.partition("```bash\n")[0] == rejected.partition("```bash\n")[0]
        assert chosen != rejected
    assert Counter(len(row["messages"]) for row in rows) == {4: 16, 6: 8}


def test_a_session_of_five_rounds_has_reached_the_limit() -> None:
    for record in RECORDS:
        commands = sum("Act: bash" in turn["content"] for turn in record["chat_history"]["value"][3:])
        assert (commands == 5) == (record["sample_status"] == "task_limit_reached")
