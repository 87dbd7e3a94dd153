"""Pairs from answers: chosen by their scores, told by reason, and the same whether or not they were interrupted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from converters import preference
from recipebook.data.split import choose_part
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.data_keys import Split
from stages.generate_pairs import Options, ScoredAnswer, ScoredPair, choose_pairs, run
from tests.stages.conftest import MakeJob

ROBOT = {"metric": "robot", "metric_options": {"api": "samples/robot_api.yaml"}}
ROWS = [
    ("stop", "robot.stop()"),
    ("turn left and stop", 'robot.turn(direction="left", angle=90)\nrobot.stop()'),
    ("turn right", 'robot.turn(direction="right", angle=45)'),
]
GOOD, FAIR, BAD = (
    ScoredAnswer(text, "sampled", score) for text, score in (("good", 1.0), ("fair", 0.5), ("bad", 0.25))
)
OWN = ScoredAnswer("own", "reference", 1.0)


def make(**given: Any) -> Options:
    return Options.model_validate({**ROBOT, **given})


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_best_and_worst_of_k_are_kept_first() -> None:
    pairs, dropped = choose_pairs([OWN, FAIR, GOOD, BAD], make(chosen="sampled"))
    assert pairs == [ScoredPair(GOOD, BAD, 0.75)]
    assert dropped == {"pairs weaker than those kept": 2}


def test_each_answer_is_rejected_once() -> None:
    pairs, _ = choose_pairs([OWN, FAIR, BAD], make(max_pairs_per_example=3))
    assert pairs == [ScoredPair(OWN, BAD, 0.75), ScoredPair(OWN, FAIR, 0.5)]


@pytest.mark.parametrize(
    ("strength", "threshold", "kept"),
    [("difference", 0.25, 1), ("difference", 0.26, 0), ("ratio", 0.33, 1), ("ratio", 0.34, 0)],
)
def test_the_threshold_goes_by_its_formula(strength: str, threshold: float, kept: int) -> None:
    # 0.5 - 0.25 = 0.25, and 0.25 / 0.75 = 0.333….
    pairs, dropped = choose_pairs([FAIR, BAD], make(strength=strength, threshold=threshold))
    assert len(pairs) == kept
    assert dropped == ({} if kept else {"pairs under the threshold": 1})


def test_answers_that_cannot_stand_in_a_pair_are_counted() -> None:
    answers = [
        OWN,
        ScoredAnswer("own", "sampled", 1.0),
        ScoredAnswer(" ", "sampled", 0.0),
        ScoredAnswer("?", "sampled", None),
        ScoredAnswer("go on and", "sampled", 0.0, truncated=True),
        ScoredAnswer("also right", "sampled", 1.0),
    ]
    assert choose_pairs(answers, make()) == (
        [],
        {"repeated answers": 1, "answers empty": 1, "answers without a score": 1, "answers cut off": 1,
         "pairs of equals": 1},
    )  # fmt: skip


def test_spoiled_answers_fill_up_to_the_least_and_no_more() -> None:
    spoiled = [ScoredAnswer("w1", "wrong_tool", 0.0), ScoredAnswer("w2", "missing_step", 0.5)]
    assert choose_pairs([OWN, FAIR, *spoiled], make())[0] == [ScoredPair(OWN, FAIR, 0.5)]
    two = make(min_pairs_per_example=2, max_pairs_per_example=3)
    assert choose_pairs([OWN, FAIR, *spoiled], two)[0] == [ScoredPair(OWN, FAIR, 0.5), ScoredPair(OWN, spoiled[0], 1.0)]
    three = make(min_pairs_per_example=3, max_pairs_per_example=3)
    assert choose_pairs([OWN, FAIR, spoiled[0]], three) == ([], {"fewer than min_pairs_per_example": 2})


def test_only_the_rows_own_answer_is_chosen_where_the_recipe_says_so() -> None:
    assert choose_pairs([OWN, GOOD, BAD], make(chosen="reference", max_pairs_per_example=9)) == (
        [ScoredPair(OWN, BAD, 0.75)],
        {"pairs of equals": 1, "pairs whose better answer is sampled": 1},
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"metric": "robto"}, r"no metric 'robto' in eval/metrics/; did you mean 'robot'\? it has: embedding, "),
        ({"figures": {"exakt": 1}}, "no figure 'exakt' that is better when more in metric robot; it has: exact, "),
        ({"metric": "preference", "metric_options": {}}, "measures likelihoods"),
        ({"metric_options": {"toleranz": 1}}, "no option 'toleranz'"),
        ({"answers": 0, "synthetic": False}, "nothing to make pairs of"),
        ({"answers": 0, "chosen": "sampled"}, "chosen is sampled, and answers is 0"),
        ({"min_pairs_per_example": 2}, "max_pairs_per_example is less"),
    ],
)
def test_what_cannot_make_pairs_is_refused_before_anything_runs(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        make(**given)


def test_rules_alone_make_pairs_without_a_model(make_job: MakeJob) -> None:
    job = make_job(ROWS)
    run(job, make(answers=0, tools="samples/robot_api.yaml", figures={"call_f1": 1, "exact": 1}, threshold=0.3,
                  max_pairs_per_example=9))  # fmt: skip
    records = read(job.folder / "rows.jsonl")
    kinds = [(record["input"], record["metadata"]["rejection_type"]) for record in records]
    # `stop` has no argument and one step; no other row turns right, but the left turn has another angle.
    assert sorted(kinds) == [
        ("stop", "wrong_tool"),
        ("turn left and stop", "missing_step"),
        ("turn left and stop", "worse_arguments"),
        ("turn left and stop", "wrong_order"),
        ("turn left and stop", "wrong_tool"),
        ("turn right", "worse_arguments"),
        ("turn right", "wrong_tool"),
    ]
    account = json.loads((job.folder / "account.json").read_text())
    assert (account["prompts"], account["pairs"], account["prompts without a pair"]) == (3, 7, 0)
    assert not (job.folder / "pieces.jsonl").exists()


def test_pairs_are_records_of_the_preference_converter_with_measured_strength(make_job: MakeJob) -> None:
    job = make_job(ROWS[1:2])
    run(job, make(answers=0, tools="samples/robot_api.yaml", figures={"call_f1": 1}))
    (record,) = read(job.folder / "rows.jsonl")
    (row,) = preference.convert(record, preference.Options(strength="difference", threshold=0.1))
    assert row["messages"] == [{"role": "user", "content": "turn left and stop"}]
    assert row["chosen"]["content"] == ROWS[1][1]
    strength = row["meta"]["difference"]
    assert strength == round(record["metadata"]["chosen_score"] - record["metadata"]["rejected_score"], 6) > 0
    assert row["meta"]["category"] == record["metadata"]["rejection_type"]


def test_pairs_are_split_as_the_rows_were() -> None:
    asked = [f"go to room {number}" for number in range(200)]
    by_row = [choose_part({"original_text": said}, Split(by=("original_text",))) for said in asked]
    assert by_row == [choose_part({"input": said}, Split(by=("input",))) for said in asked]


def test_no_pair_left_is_one_line_that_says_why(make_job: MakeJob) -> None:
    job = make_job(ROWS[:1])
    with pytest.raises(
        UserError, match=r"^stage 'made': no pair is left of robot's scores at difference 2: prompts 1, "
    ):
        run(job, make(answers=0, tools="samples/robot_api.yaml", threshold=2))
    assert not (job.folder / "rows.jsonl").exists()


SAMPLED = {"answers": 4, "figures": {"parses": 1, "exact": 1}, "max_new_tokens": 12, "batch_size": 8, "threshold": 0.1}


@pytest.mark.long
def test_sampled_answers_are_the_same_after_a_kill(make_job: MakeJob) -> None:
    whole = make_job(ROWS)
    run(whole, make(**SAMPLED))
    answers = read(whole.folder / "answers.jsonl")
    assert [len([one for one in some["answers"] if one["source"] == "sampled"]) for some in answers] == [4, 4, 4]
    cut = make_job(ROWS, folder="cut")
    # Killed by ourselves, as from outside, when the first of two batches is on disk.
    script = f"""
import os, signal
from pathlib import Path
from recipebook.recipe.resolve import resolve
from recipebook.pipeline.job import StageJob
from stages import _pieces, generate_pairs
from stages.generate_pairs import Options
keep = _pieces.Pieces.keep
def keep_and_die(self, *given):
    keep(self, *given)
    os.kill(os.getpid(), signal.SIGKILL)
_pieces.Pieces.keep = keep_and_die
job = StageJob("made", Path({str(cut.folder)!r}), Path({str(cut.model)!r}), None, None, Path({str(cut.tokenizer)!r}),
          {cut.chat_template!r}, {{"train": Path({str(cut.rows["train"])!r})}}, {{}}, 42, resolve("robot-lora").recipe)
generate_pairs.run(job, Options.model_validate({ {**ROBOT, **SAMPLED}!r}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert len((cut.folder / "pieces.jsonl").read_text().splitlines()) == 2
    before = (cut.folder / "pieces.jsonl").read_text()
    assert not (cut.folder / "rows.jsonl").exists()
    run(cut, make(**SAMPLED))
    assert (cut.folder / "answers.jsonl").read_text() == (whole.folder / "answers.jsonl").read_text()
    assert (cut.folder / "rows.jsonl").read_text() == (whole.folder / "rows.jsonl").read_text()
    said_before = [text for text, *_ in json.loads(before.splitlines()[1])["result"]]
    assert {one["text"] for some in answers for one in some["answers"]} >= set(said_before)
