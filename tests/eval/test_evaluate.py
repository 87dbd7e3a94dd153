"""An evaluation of the embedded base itself: a mistyped one leaves the good one, a limited one stands beside it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eval.comparing.evaluations import list_evaluations
from eval.evaluate import evaluate_run
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from tests.recipebook.recipe.making import keep_apart, train, write_sample

RECIPE = """\
description: a recipe
model: {base: models/tiny-base, chat_template: chatml}
data: {source: SAMPLE/chats.jsonl, converter: chat, split: {by: [id], validation: 0.2, test: 0.2}}
eval: {metrics: {text: {}}, slices: [topic], generation: {max_new_tokens: 2}}
"""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run as if trained."""
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, tmp_path)
        write_sample(tmp_path)
        (tmp_path / "x.yaml").write_text(RECIPE.replace("SAMPLE", str(tmp_path)))
        yield train(resolve(str(tmp_path / "x.yaml"), "tiny"), tmp_path)


@pytest.fixture
def count_batches() -> Iterator[Callable[[], int]]:
    """How many batches a model has read so far."""
    import torch

    batches: list[str] = []
    hook = torch.nn.modules.module.register_module_forward_hook(lambda module, _, __: batches.append(str(module)))
    yield lambda: len(batches)
    hook.remove()


def test_a_mistyped_evaluation_costs_no_token_and_leaves_the_good_one(
    run: Run, count_batches: Callable[[], int]
) -> None:
    folder, summary = evaluate_run(run, ())
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in before} == {"predictions.jsonl", "report.html", "scores.jsonl", "summary.json"}
    batches = count_batches()
    for setting in ("eval.slices=[categoree]", "eval.main=accuracy", "eval.unit=[topics]", "eval.metrics.txt={}"):
        with pytest.raises(UserError):
            evaluate_run(run, (setting,))
    assert count_batches() == batches
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before

    beside, limited = evaluate_run(run, ("eval.limit=2",))
    assert (beside, limited.rows, summary.rows > 2) == (folder / "limit-2", 2, True)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert list_evaluations(run) == ["", "limit-2"]
    assert [path.name for path in run.folder.iterdir() if path.name.startswith(".")] == []
