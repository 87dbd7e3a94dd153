"""Every metric scores its samples, `tests/samples/metrics/<name>.jsonl`, as worked out by hand.

{"prediction": "I will stop", "reference": "robot.stop()", "options": {}, "scores": {"exact": 0, "order": null}}
"""

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.scoring import score as scoring
from eval.scoring.figures import DIRECTIONS
from eval.scoring.predictions import Prediction
from eval.scoring.rows_of_answers import Scores
from eval.scoring.score import load_metric, read_options, score
from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.modules import METRIC, list_names
from recipebook.recipe.figures import list_evadable

SAMPLES = Path(__file__).parents[2] / "samples" / "metrics"


def test_there_are_metrics() -> None:
    assert "robot" in list_names(METRIC)


@pytest.mark.parametrize("name", list_names(METRIC))
def test_every_metric_scores_its_samples(name: str) -> None:
    lines = read_samples(name)
    assert lines
    for number, line in enumerate(lines, 1):
        expected = line.pop("scores")
        options = read_options(name, line.pop("options", {}))
        scores = score(name, [Prediction(id="1", **line)], options)
        assert scores == [expected], f"line {number}"


@pytest.mark.parametrize("name", list_names(METRIC))
def test_every_figure_is_explained(name: str) -> None:
    metric = load_metric(name)
    line = json.loads((SAMPLES / f"{name}.jsonl").read_text().splitlines()[0])
    scores = metric.score(
        [Prediction(id="1", **{key: line[key] for key in ("prediction", "reference")})],
        read_options(name, line.get("options", {})),
    )
    assert scores[0].keys() == metric.FIGURES.keys()
    assert metric.BINARY.issubset(metric.FIGURES)


@pytest.mark.parametrize("name", list_names(METRIC))
def test_a_figure_goes_in_one_direction_and_beyond_0_to_1_it_says_which(name: str) -> None:
    metric = load_metric(name)
    stated = {group: getattr(metric, group, frozenset[str]()) for group in DIRECTIONS}
    assert set[str]().union(*stated.values()) <= metric.FIGURES.keys()
    assert not stated["LESS_IS_BETTER"] & stated["MORE_IS_BETTER"]
    for line in read_samples(name):
        for figure, value in line["scores"].items():
            inside = value is None or 0 <= value <= 1
            assert inside or any(figure in names for names in stated.values()), figure


def test_a_figure_beyond_0_to_1_without_a_direction_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Options(Frozen):
        """None."""

    def measure(predictions: list[Prediction], options: Options) -> list[Scores]:
        return [{"distance": float(len(one.prediction))} for one in predictions]

    metric = SimpleNamespace(Options=Options, FIGURES={"distance": "far"}, BINARY=frozenset(), score=measure)
    monkeypatch.setattr(scoring, "load_metric", lambda name: metric)
    near, far = (Prediction(id=text, prediction=text, reference="") for text in ("a", "abc"))
    assert score("mine", [near], Options()) == [{"distance": 1.0}]
    with pytest.raises(UserError) as error:
        score("mine", [near, far], Options())
    assert str(error.value) == (
        "metric mine: figure 'distance' is 3 for abc, beyond 0 to 1; "
        "it must be named in one of LESS_IS_BETTER, MORE_IS_BETTER, UNTESTED"
    )
    metric.MORE_IS_BETTER = frozenset({"distance"})
    assert score("mine", [far], Options()) == [{"distance": 3.0}]


@pytest.mark.parametrize("name", [name for name in list_names(METRIC) if not hasattr(load_metric(name), "MEASURES")])
def test_what_an_answer_cannot_leave_undefined_the_reference_alone_does(name: str) -> None:
    """Every answer of the samples to every reference: undefined for all answers to a reference, or for none."""
    lines = [line for line in read_samples(name) if not line.get("options")]
    options = read_options(name, {})
    answers = dict.fromkeys(line["prediction"] for line in lines)
    fixed = load_metric(name).FIGURES.keys() - list_evadable(name, {}) - getattr(load_metric(name), "RATIOS", {}).keys()
    seen: dict[str, set[bool]] = {}
    for reference in dict.fromkeys(line["reference"] for line in lines):
        items = [Prediction(id=str(at), prediction=one, reference=reference) for at, one in enumerate(answers)]
        for scores, figure in product(score(name, items, options), fixed):
            seen.setdefault(f"{figure} of {reference!r}", set()).add(scores[figure] is None)
    assert [what for what, undefined in seen.items() if len(undefined) > 1] == []


def test_what_an_answer_can_leave_undefined_is_listed_by_its_options() -> None:
    assert list_evadable("robot", {}) == {"argument_precision"}
    assert list_evadable("text", {}) == frozenset()
    assert "param_precision" in list_evadable("persona", {})
    assert list_evadable("persona", {"mode": "compat", "tolerance": 1}) == frozenset()


def read_samples(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines()]
