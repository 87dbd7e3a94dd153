"""Learning rates are tried for real, on train rows alone, and one is named."""

import json
from pathlib import Path

import pytest

from tests.end_to_end.project import Project

pytestmark = pytest.mark.long

RECIPE = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
data: {source: few.json, converter: robot, split: {by: [input], validation: 0, test: 0.3}}
training: {precision: fp32, learning_rate: 1e-3, batch_size: 16, max_steps: 1}
lora: {r: 8, alpha: 16, target_modules: [q_proj, v_proj]}
eval: {metrics: {robot: {}}, main: exact}
"""


def list_prompts(path: Path) -> set[str]:
    return {json.loads(line)["messages"][0]["content"] for line in path.read_text().splitlines()}


def test_a_rate_is_named_by_train_rows_alone(project: Project) -> None:
    records = json.loads((project.folder / "samples" / "robot.json").read_bytes())[:200]
    (project.folder / "few.json").write_text(json.dumps(records))
    (project.folder / "recipes" / "tried.yaml").write_text(RECIPE)
    words = ("find-lr", "tried", "--steps", "6", "--rates", "1e-6", "5e-3")
    status, said = project.run(*words)
    assert status == 0, said
    assert 'advice    SET="training.learning_rate=0.005" to begin with' in said
    assert "<polyline" in (project.folder / "runs" / "tried-rates" / "rates.html").read_text()
    assert project.run("train", "tried")[0] == 0
    own = project.newest()[0] / "data"
    for member in (project.folder / "runs" / "tried-rates").glob("lr*/data"):
        assert list_prompts(own / "test.jsonl") == list_prompts(member / "test.jsonl")
        used = list_prompts(member / "train.jsonl") | list_prompts(member / "validation.jsonl")
        assert used <= list_prompts(own / "train.jsonl") and list_prompts(member / "validation.jsonl")
    status, said = project.run(*words)
    assert (status, "2 trained" in said) == (0, True), said
