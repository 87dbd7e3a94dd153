"""Scores that their figures cannot have are refused, by the declarations in the summary beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

from eval.scoring.score_range import check_range
from recipebook.errors import UserError


def declare(folder: Path, **declared: Any) -> Path:
    """An evaluation whose only figure `f` is declared so; the path of its scores."""
    estimate = {"n": 1, "undefined": 0, "mean": 0.5, "low": None, "high": None}
    result: dict[str, Any] = {"figure": "f", "explanation": "e", "tuned": estimate, "base": None, "difference": None}
    summary = {"main": "f", "seed": 1, "rows": 1, "truncated": 0, "with_base": False, "slices": []}
    result |= {"binary": False, "p_adjusted": None, **declared}
    (folder / "summary.json").write_text(json.dumps({**summary, "results": [result]}))
    return folder / "scores.jsonl"


@pytest.mark.parametrize(
    ("declared", "good", "bad", "said"),
    [
        ({"binary": True}, 1, 0.5, "0.5, and can be 0 or 1"),
        ({"share": True}, 0.5, 1.5, "1.5, and can be between 0 and 1"),
        ({"share": True}, 0, -0.25, "-0.25, and can be between 0 and 1"),
        ({"share": False, "least": 1}, 7000, 0.5, "0.5, and can be 1 or more"),
    ],
)
def test_a_score_beyond_its_figures_range_is_refused(
    tmp_path: Path, declared: dict[str, Any], good: float, bad: float, said: str
) -> None:
    path = declare(tmp_path, **declared)
    check_range(path, ["a", "b"], [({"f": good}, None), ({"f": None}, {"f": good, "g": 9.0})])
    with pytest.raises(UserError, match=rf"/scores\.jsonl: b: f is {said}$"):
        check_range(path, ["a", "b"], [({"f": good}, None), ({"f": good}, {"f": bad})])


def test_a_figure_without_a_range_or_without_a_summary_may_be_anything(tmp_path: Path) -> None:
    check_range(declare(tmp_path, share=False), ["a"], [({"f": -9.0}, None)])
    (tmp_path / "summary.json").unlink()
    check_range(tmp_path / "scores.jsonl", ["a"], [({"f": 7.0}, None)])
