"""The `eval` section is the recipe's as it is now, all else the run's own; a stage has its own section."""

from pathlib import Path

import pytest
import yaml

from recipebook.recipe.evaluated import resolve_evaluated

KEPT = """\
description: as it was trained
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot}
training: {epochs: 7}
eval: {metrics: {robot: {}}, slices: [category]}
"""
NOW = """\
description: as it is now
model: {base: models/tiny-base, chat_template: chatml}
data: {source: samples/robot.json, converter: robot}
training: {epochs: 9}
eval: {metrics: {robot: {}}, main: valid}
profiles: {tiny: {eval: {limit: 4}}}
stages:
  - {name: a}
  - {name: b, eval: {metrics: {text: {}}}, profiles: {tiny: {eval: {limit: 2}}}}
"""


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A run's resolved recipe, with the recipe beside it."""
    (tmp_path / "resolved.yaml").write_text(KEPT)
    (tmp_path / "x.yaml").write_text(NOW)
    return tmp_path / "resolved.yaml"


@pytest.mark.parametrize(
    ("stage", "profile", "trained_with", "found"),
    [
        (None, None, [], {"metrics": {"robot": {}}, "main": "valid"}),
        (None, "tiny", [], {"metrics": {"robot": {}}, "main": "valid", "limit": 4}),
        (None, None, ["eval.seed=7"], {"metrics": {"robot": {}}, "main": "valid", "seed": 7}),
        ("a", None, [], {"metrics": {"robot": {}}, "main": "valid"}),
        ("b", None, [], {"metrics": {"text": {}}}),
        ("b", "tiny", ["stages.b.eval.seed=7"], {"metrics": {"text": {}}, "limit": 2, "seed": 7}),
        # A stage that has gone, and a profile that has, leave the run with what it has itself.
        ("c", None, [], {"metrics": {"robot": {}}, "slices": ["category"]}),
        (None, "nosuch", [], {"metrics": {"robot": {}}, "slices": ["category"]}),
    ],
)
def test_the_section_is_that_of_the_recipe_now(
    kept: Path, stage: str | None, profile: str | None, trained_with: list[str], found: dict[str, object]
) -> None:
    resolved = resolve_evaluated(kept, str(kept.parent / "x.yaml"), profile, trained_with, [], stage)
    assert yaml.safe_load(resolved.recipe.eval.model_dump_json(exclude_unset=True)) == found
    assert resolved.recipe.training.epochs == 7


def test_an_override_wins_and_a_recipe_that_is_gone_changes_nothing(kept: Path) -> None:
    source = kept.parent / "x.yaml"
    assert resolve_evaluated(kept, str(source), None, [], ["eval.main=exact"]).recipe.eval.main == "exact"
    source.unlink()
    assert resolve_evaluated(kept, str(source), None, [], []).recipe.eval.slices == ("category",)
    assert resolve_evaluated(kept, "no-such-recipe", None, [], []).recipe.eval.slices == ("category",)
