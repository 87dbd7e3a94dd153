"""Every metric scores its samples, `tests/samples/metrics/<name>.jsonl`, as worked out by hand.

{"prediction": "I will stop", "reference": "robot.stop()", "options": {}, "scores": {"exact": 0, "order": null}}
"""

import json
from pathlib import Path

import pytest

from eval.scoring.predictions import Prediction
from eval.scoring.score import load_metric, read_options
from recipebook.modules import METRIC, list_names

SAMPLES = Path(__file__).parents[2] / "samples" / "metrics"


def test_there_are_metrics() -> None:
    assert "robot" in list_names(METRIC)


@pytest.mark.parametrize("name", list_names(METRIC))
def test_every_metric_scores_its_samples(name: str) -> None:
    metric = load_metric(name)
    lines = [json.loads(line) for line in (SAMPLES / f"{name}.jsonl").read_text().splitlines()]
    assert lines
    for number, line in enumerate(lines, 1):
        expected = line.pop("scores")
        options = read_options(name, line.pop("options", {}))
        scores = metric.score([Prediction(id="1", **line)], options)
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
