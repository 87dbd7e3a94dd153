"""An evaluation of a model that hardly changed: a mistyped one leaves the good one, a limited one stands beside it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eval.asking.other_model import find_other
from eval.comparing.evaluations import check_alike, format_command, list_evaluations, read_evaluation
from eval.evaluate import evaluate_run
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve
from recipebook.run.rundir import Run
from tests.recipebook.recipe.making import keep_apart, make_chat, train, write_sample

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
    assert {part.field for part in summary.slices} == {"topic", "copies"}
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in before} == {
        "predictions.jsonl",
        "report.html",
        "scores.jsonl",
        "summary.json",
        "test_metrics.json",
        "use.py",
    }
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


def test_all_records_of_another_file_are_evaluated_and_those_seen_in_training_counted(
    run: Run, tmp_path: Path, count_batches: Callable[[], int]
) -> None:
    trained = [json.loads(line) for line in (run.folder / "data" / "train.jsonl").open(encoding="utf-8")]
    number = int(trained[0]["messages"][0]["content"].split()[1])
    chats = [make_chat(number), *map(make_chat, range(200, 204))]
    own = tmp_path / "more of them.jsonl"
    own.write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    said: list[str] = []
    folder, summary = evaluate_run(run, (), tell=said.append, data=str(own))
    assert (summary.rows, summary.part) == (5, f"rows of {own}")
    assert folder.parent == run.folder / "eval"
    assert folder.name.startswith("data-more_of_them-")
    note = f"1 row of {own} has been seen in training"
    assert any(note in line for line in said)
    assert note in (folder / "report.html").read_text()
    assert evaluate_run(run, (), data=str(own))[0] == folder

    (run.folder / "data" / "train.jsonl").unlink()
    summary = evaluate_run(run, (), data=str(own))[1]
    assert summary.asked and summary.asked.own and summary.asked.own.seen is None

    batches, (before, *_) = count_batches(), folder.rglob("summary.json")
    own.write_text('{"nothing": "of use"}\n')
    with pytest.raises(UserError, match="has none of"):
        evaluate_run(run, (), data=str(own))
    with pytest.raises(UserError, match=r"missing\.jsonl"):
        evaluate_run(run, (), data=str(tmp_path / "missing.jsonl"))
    assert (count_batches(), before.is_file()) == (batches, True)


def test_a_row_is_answered_under_each_variant_as_often_as_wished_and_stays_one_row(run: Run, tmp_path: Path) -> None:
    alone = evaluate_run(run, ())[1]
    several = (
        f"eval.variants={tmp_path}/variants.yaml",
        "eval.generation={temperature: 2.0, samples: 3, max_new_tokens: 2}",
    )
    folder, summary = evaluate_run(run, several)
    assert (summary.rows, summary.answers) == (alone.rows, 6 * alone.rows)
    assert summary.headline.tuned.n == alone.rows
    assert summary.headline.difference and summary.headline.difference.n == alone.rows
    assert {part.value: part.rows for part in summary.slices if part.field == "variant"} == {
        "plain": alone.rows,
        "polite": alone.rows,
    }
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    first = lines[0]["row"]
    assert [line["id"] for line in lines[:6]] == [
        f"{first}~{variant}~{sample}" for variant in ("plain", "polite") for sample in (1, 2, 3)
    ]
    assert lines[3]["prompt"] == f"Please: {lines[0]['prompt']}"
    assert len({line["prediction"] for line in lines[:3]}) > 1
    assert "under 2 variants of the prompt, 3 sampled answers to each" in (folder / "report.html").read_text()
    # A comparison has rows, too, and none with an evaluation that asked otherwise.
    where = folder.relative_to(run.folder / "eval").as_posix()
    found = read_evaluation(run, where)
    assert len(found.rows) == len(found.scores) == len(found.base) == alone.rows
    with pytest.raises(UserError, match="cannot be compared: they differ in generation settings and prompt variants"):
        check_alike(found, read_evaluation(run))


def test_another_model_is_evaluated_beside_the_runs_own(run: Run, tmp_path: Path) -> None:
    folder, _ = evaluate_run(run, ())
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    base = find_other("models/tiny-base")
    beside, summary = evaluate_run(run, (), other=base)
    assert beside.parent == folder and beside.name.startswith("model-tiny_base-")
    lines = [json.loads(line) for line in (beside / "predictions.jsonl").open(encoding="utf-8")]
    assert [line["prediction"] for line in lines] == [line["baseline"] for line in lines]
    assert summary.asked and summary.asked.description.endswith(
        "answers of models/tiny-base in place of the tuned model's"
    )
    assert all(path.read_bytes() == content for path, content in before.items())
    first, other = read_evaluation(run), read_evaluation(run, beside.name)
    check_alike(first, other)
    assert format_command(run, beside.name) == f"make eval RUN={run.name} MODEL=FOLDER"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("models/nothing/here", "MODEL: no folder models/nothing/here"),
        ("recipes", "MODEL: recipes holds no config.json, so it is no model"),
        ("models/nothing.gguf", "MODEL: no file models/nothing.gguf"),
    ],
)
def test_what_is_no_model_is_one_line(name: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        find_other(name)
    assert str(caught.value) == line


def test_a_name_that_the_hub_does_not_have_is_refused_before_the_base_answers(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.asking.other_model.ask_base", pytest.fail)
    with pytest.raises(UserError, match="MODEL: nobody/nothing cannot be loaded: "):
        evaluate_run(run, (), other=find_other("nobody/nothing"))


def test_an_adapter_alone_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match="is an adapter without its base; make merge makes a whole model"):
        find_other(str(tmp_path))
