"""One metric on predictions: `python -m recipebook score --metric robot --in predictions.jsonl --out scores.jsonl`.

The aggregates are a line of JSON on stdout.
"""

import argparse
import json
from pathlib import Path

from commands._options import add_settings, read_settings

HELP = "score a file of predictions with one metric"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The metric with its options, the predictions, and where the scores go."""
    parser.add_argument("--metric", required=True, metavar="NAME", help="a module of eval/metrics/")
    parser.add_argument(
        "--in", required=True, type=Path, dest="source", metavar="FILE", help="predictions, a JSON object a line"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE", help="where each prediction's scores go, as JSON Lines"
    )
    add_settings(parser, "the metric's own options, such as tolerance=0.1 of robot")


def run(arguments: argparse.Namespace) -> int:
    """Score, and print the aggregates."""
    from eval.scoring.score import score_file

    print(json.dumps(score_file(arguments.metric, arguments.source, arguments.out, read_settings(arguments))))
    return 0
