"""Scoring files: what is written, what comes back, what is refused."""

import json
from pathlib import Path

import pytest

from eval.scoring.figures import Figure
from eval.scoring.predictions import Prediction
from eval.scoring.score import evaluate_predictions, load_metric, read_options, read_scores, score_file
from eval.scoring.summary import Summary, summarise
from recipebook.errors import UserError

RIGHT = {"prediction": "robot.stop()", "reference": "robot.stop()"}
WRONG = {"prediction": "no", "reference": "robot.stop()"}


def write_lines(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_scores_are_written_line_by_line_and_summed_up(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "p.jsonl", [{**RIGHT, "id": "x"}, {**WRONG}])
    aggregates = score_file("robot", source, tmp_path / "s.jsonl", {})
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [(line["id"], line["scores"]["exact"], line["scores"]["order"]) for line in lines] == [
        ("x", 1.0, None),
        ("2", 0.0, None),
    ]
    assert (aggregates["metric"], aggregates["n"]) == ("robot", 2)
    # Clopper and Pearson's interval of 1 in 2: 1 - 0.975^(1/2), and 0.975^(1/2)
    assert aggregates["figures"]["exact"] == {
        "n": 2,
        "undefined": 0,
        "mean": 0.5,
        "low": pytest.approx(0.012579, abs=1e-6),
        "high": pytest.approx(0.987421, abs=1e-6),
    }
    assert aggregates["figures"]["order"] == {"n": 0, "undefined": 2, "mean": None, "low": None, "high": None}


def test_a_bad_line_leaves_no_scores(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps(RIGHT) + "\nbroken\n")
    with pytest.raises(UserError, match=r"p\.jsonl:2: not JSON"):
        score_file("robot", tmp_path / "p.jsonl", tmp_path / "s.jsonl", {})
    assert [path.name for path in tmp_path.iterdir()] == ["p.jsonl"]


def test_options_may_come_as_text_and_wrong_ones_are_told() -> None:
    assert read_options("robot", {"tolerance": "0.5"}) == read_options("robot", {"tolerance": 0.5})
    with pytest.raises(UserError) as error:
        read_options("robot", {"tolerence": 1})
    assert str(error.value) == "metric robot: no option 'tolerence'; did you mean 'tolerance'?"


def test_an_unknown_metric_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserError, match=r"no metric 'robto' in eval/metrics/; did you mean 'robot'\? it has: .*robot"):
        load_metric("robto")


def test_a_runs_evaluation_is_written_and_read_back(tmp_path: Path) -> None:
    source = write_lines(
        tmp_path / "predictions.jsonl",
        [{**RIGHT, "baseline": "no", "meta": {"category": "safety"}}, {**WRONG, "baseline": "no", "meta": {}}],
    )
    summary = evaluate_predictions(source, {"robot": {}}, ["category"], "exact", 42, tmp_path / "eval")
    assert Summary.model_validate_json((tmp_path / "eval" / "summary.json").read_text()) == summary
    tuned, base = read_scores(tmp_path / "eval" / "scores.jsonl")
    assert base is not None
    assert [(one["exact"], other["exact"]) for one, other in zip(tuned, base, strict=True)] == [(1.0, 0.0), (0.0, 0.0)]


def test_a_run_without_a_base_model_has_nothing_to_compare(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "predictions.jsonl", [{**RIGHT}])
    summary = evaluate_predictions(source, {"robot": {}}, [], None, 42, tmp_path)
    assert (summary.main, summary.with_base, summary.headline.base) == ("exact", False, None)
    assert read_scores(tmp_path / "scores.jsonl")[1] is None


@pytest.mark.parametrize(
    "text", ["", "[1]\n", '{"id": "1"}\n', '{"id": "1", "tuned": {"exact": 1.0}}\n{"id": "2", "tu']
)
def test_damaged_scores_are_refused_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "scores.jsonl").write_text(text)
    with pytest.raises(UserError, match=r"/scores\.jsonl: holds no scores of an evaluation; make eval writes it anew$"):
        read_scores(tmp_path / "scores.jsonl")


def test_no_interval_reaches_below_what_its_figure_can_be(tmp_path: Path) -> None:
    measured: list[dict[str, object]] = [
        {**RIGHT, "measures": {"answer": -nats, "answer_tokens": 4.0}, "baseline": "", "baseline_measures": base}
        for nats in (0.1, 0.2, 160.0)
        for base in [{"answer": -160.0, "answer_tokens": 4.0}]
    ]
    source = write_lines(tmp_path / "p.jsonl", measured)
    figures = {
        one.figure: one for one in evaluate_predictions(source, {"likelihood": {}}, [], None, 42, tmp_path).results
    }
    # Of three rows with one large value Student's interval alone would begin at -44 nats.
    assert [figures[name].tuned.low for name in ("nll", "perplexity", "corpus_perplexity")] == [0.0, 1.0, 1.0]


def test_a_ratio_of_lengths_is_no_share_though_no_answer_is_longer_than_its_reference(tmp_path: Path) -> None:
    same: dict[str, object] = {"prediction": "a b", "reference": "a b"}
    lines = [same] * 11 + [{**same, "prediction": "a"}]
    source = write_lines(tmp_path / "p.jsonl", lines)
    lengths = evaluate_predictions(source, {"text": {}}, [], None, 42, tmp_path).results[-1].tuned
    assert lengths.mean == pytest.approx(23 / 24)
    # Other rows may have answers that are longer than their references.
    assert lengths.high is not None and lengths.high > 1
    equal = write_lines(tmp_path / "p.jsonl", lines[:11])
    assert evaluate_predictions(equal, {"text": {}}, [], None, 42, tmp_path).results[-1].tuned.low is None


def test_a_ratio_beyond_1_that_states_no_direction_is_refused() -> None:
    figures = {"f1": Figure(explanation="", binary=False, share=True, ratio=(("above",), ("below",)))}
    parts = {"above": Figure(explanation="", binary=False), "below": Figure(explanation="", binary=False)}
    answers = [Prediction(id=name, prediction="", reference="") for name in "ab"]
    message = "figure 'f1' is 1.5, beyond 0 to 1; its metric must name it in one of LESS_IS_BETTER, MORE_IS_BETTER"
    with pytest.raises(UserError, match=message):
        summarise(answers, [{"f1": None, "above": 3.0, "below": 2.0}] * 2, None, {**figures, **parts}, [], 42, "f1")
