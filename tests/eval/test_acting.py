"""Whether the adapter acts at all: planted faults are each refused with the reason, and the rest has its evidence."""

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from commands import main
from eval.asking.generate import GeneratedAnswer
from eval.asking.kept_base import KeptBase
from eval.asking.prompts import Prompt
from eval.evaluate import evaluate_run
from eval.evaluate_fleet import evaluate_fleet
from eval.report.page import terminal_table
from eval.report.verdict import make_verdict
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve
from recipebook.run.adapter_names import WEIGHTS
from recipebook.run.rundir import Run
from tests.eval.adapter_runs import (
    RECIPE,
    Plant,
    double,
    draw_base,
    each,
    make_run,
    merge_into_base,
    note_weights,
    scaled,
    settings,
    weights,
    write_recipe,
)
from tests.recipebook.recipe.making import keep_apart, train
from tests.recipebook.run.adapters import TINY, drop_weights, rename_weights, write_adapter, write_trained

FIRST = "model.layers.0.self_attn.q_proj"
DOWN = "model.layers.0.mlp.down_proj"
OTHERS = "these are not the weights that the run saved"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data, runs, caches and a base of the tests' own."""
    folder = tmp_path_factory.mktemp("acting")
    with pytest.MonkeyPatch.context() as patch:
        keep_apart(patch, folder)
        write_recipe(folder)
        yield folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Run:
    """A run that is trained once."""
    run = make_run(folder)
    shutil.copytree(run.folder, folder / "kept")
    return run


@pytest.fixture
def run(trained: Run, folder: Path) -> Run:
    """That run as training left it, and its base."""
    for wanted, changed in ((folder / "kept", trained.folder), (TINY, folder / "base")):
        shutil.rmtree(changed)
        shutil.copytree(wanted, changed, symlinks=True)
    return trained


# What is planted; whether the manifest agrees with it, as it would if training had saved it so; what is told.
FAULTS: dict[str, tuple[Plant, bool, str]] = {
    "renamed prefix": (
        weights(rename_weights("base_model.model.", "transformer.")), True,
        f"the adapter acts at no module: its weights are of transformer.{DOWN}, and the base has {DOWN}",
    ),
    "all B zero": (scaled(0), True, "the adapter acts at no module: lora_B is zero at all 28"),
    "base of other shapes": (weights(double), True, "in the base: it was trained on another model"),
    "base of the same shapes": (draw_base, True, "is not the one that it was trained on (hash "),
    "alpha twice in the settings": (settings(lora_alpha=16), True, "lora_alpha is 16, and the run was trained with 8"),
    "alpha twice in the weights": (scaled(2), False, OTHERS),
    "adapter in the base": (merge_into_base, True, "it contains the adapter already, which would be added twice"),
    "whole numbers": (each(lambda one: one.to(torch.int8)), True, "is stored as int8"),
    "overflow of float16": (each(lambda one: (one * 1e9).half()), True, "NaN or infinite; float16 ends at 65,504"),
    "NaN": (each(lambda one: one * math.nan, FIRST), True, "512 of 512 weights are NaN or infinite"),
    "another rank": (settings(r=8), True, "has r: 8, and the weights have rank 4"),
    "targets of no module": (settings(target_modules=["query"]), True, "acts at no module: no module of the base fits"),
    "no layer is left": (settings(layers_to_transform=[99]), True, "layers_to_transform: [99]"),
    "folder of another run": (lambda model, _: write_trained(model, seed=9), False, OTHERS),
    "no weights": (weights(lambda _: {}), True, "it is empty: no weights are in it"),
    "a missing module": (weights(drop_weights(f"{FIRST}.lora")), False, OTHERS),
}  # fmt: skip


def unwrap(said: str) -> str:
    return " ".join(said.split())


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_refused_before_anything_is_generated(
    name: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.asking.generate.decode", None)
    plant, noted, told = FAULTS[name]
    old = run.folder / "eval" / "summary.json"
    old.parent.mkdir()
    old.write_text("an evaluation")
    plant(run.folder / "model", folder / "base")
    if noted:
        note_weights(run)
    with pytest.raises(UserError) as caught:
        evaluate_run(run, ())
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert [path.name for path in old.parent.iterdir()] == ["summary.json"] and old.read_text() == "an evaluation"
    assert [path.name for path in run.folder.iterdir() if path.name.startswith(".")] == []


def test_a_healthy_adapter_is_evaluated_with_the_evidence(run: Run) -> None:
    where, summary = evaluate_run(run, ())
    evidence = summary.evidence
    assert evidence and evidence.acting and evidence.likelihoods
    assert (evidence.acting.kind, evidence.acting.modules, evidence.acting.idle) == ("adapter", 28, ())
    assert 0 < evidence.acting.smallest <= evidence.acting.median <= evidence.acting.largest
    assert (evidence.rows, evidence.likelihoods.rows, evidence.likelihoods.moved) == (7, 7, 7)
    assert evidence.answers_changed and evidence.answers_changed > 0
    line = f"effect: {evidence.answers_changed} of {summary.rows} answers changed; likelihoods moved on 7 of 7 rows"
    assert "adapter: acts at 28 of 28 modules; norm of B·A, scaled: " in unwrap(terminal_table(summary))
    assert line in unwrap(terminal_table(summary)) and f"<li>{line}" in (where / "report.html").read_text()


def test_a_missing_module_is_named_where_training_saved_it_so(run: Run) -> None:
    weights(drop_weights(f"{FIRST}.lora"))(run.folder / "model", TINY)
    note_weights(run)
    _, summary = evaluate_run(run, ())
    assert summary.evidence and summary.evidence.acting
    assert (summary.evidence.acting.active, summary.evidence.acting.without_weights) == (27, (FIRST,))
    assert f"does not act at {FIRST}: targeted, but not in {WEIGHTS}" in unwrap(terminal_table(summary))


def test_likelihoods_of_a_few_rows_count_where_no_metric_measures_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.asking.effect.PROBED", 2)
    for setting, rows in ((), 2), (("eval.metrics.likelihood={}",), 7):
        _, summary = evaluate_run(run, setting)
        assert summary.evidence and summary.evidence.likelihoods and summary.evidence.likelihoods.rows == rows


def test_answers_that_stay_the_same_are_no_tie(run: Run) -> None:
    scaled(1e-3)(run.folder / "model", TINY)
    note_weights(run)
    _, summary = evaluate_run(run, ("eval.generation.max_new_tokens=1",))
    assert summary.evidence and summary.evidence.likelihoods
    assert (summary.evidence.answers_changed, summary.evidence.likelihoods.moved) == (0, 7)
    assert make_verdict(summary).endswith(
        f"; tuning changed none of {summary.rows} answers: this is no tie, but the same answers twice."
    )


def test_an_adapter_too_small_to_move_a_likelihood_is_refused(run: Run) -> None:
    scaled(1e-12)(run.folder / "model", TINY)
    note_weights(run)
    with pytest.raises(UserError) as caught:
        evaluate_run(run, ())
    assert str(caught.value).endswith(
        "/model: the tuned model changes nothing: its weights differ from the base's at 28 modules, but no likelihood "
        "of 7 given answers moved by 0.00001 nats a token"
    )
    assert not (run.folder / "eval").exists()


def test_an_engine_that_leaves_the_adapter_out_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_: Path, __: str, ___: str | None, ____: Any, prompts: list[Prompt], *_____: Any) -> Any:
        return dict.fromkeys(("tuned", "base"), [GeneratedAnswer("the same", 2, False)] * len(prompts))

    where, summary = evaluate_run(run, ())
    before = {path: path.read_bytes() for path in where.iterdir()}
    monkeypatch.setattr("eval.asking.generate_vllm.is_wanted", lambda _: True)
    monkeypatch.setattr("eval.asking.generate_vllm.generate_both", answer)
    with pytest.raises(UserError, match=rf"at 28 modules, but none of {summary.rows} answers changed$"):
        evaluate_run(run, ())
    assert {path: path.read_bytes() for path in where.iterdir()} == before


def test_a_whole_model_that_is_its_base_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.asking.generate.decode", None)
    (folder / "whole.yaml").write_text(RECIPE.replace("lora: {r: 4, alpha: 8}\n", "").replace("FOLDER", str(folder)))
    run = train(resolve(str(folder / "whole.yaml"), None), folder)
    shutil.copyfile(folder / "base" / "model.safetensors", run.folder / "model" / "model.safetensors")
    with pytest.raises(UserError, match=r"all 46 weights of the model are those of its base"):
        evaluate_run(run, ())


def test_a_member_that_does_nothing_is_not_evaluated_and_the_others_are(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    members = [make_run(folder, name, seed) for seed, name in enumerate(("one", "two"), 1)]
    scaled(0)(members[0].folder / "model", TINY)
    assert evaluate_fleet("fleet", [(member, member.read()) for member in members], ()) == 1
    said = capsys.readouterr().out
    assert "one  not evaluated: " in said and "the adapter acts at no module: lora_B is zero at all 28" in said
    assert "two  exact: " in said


def test_the_command_ends_with_status_two(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    scaled(0)(run.folder / "model", TINY)
    assert main(["eval", run.name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_kept_base_forgets_an_adapter_that_it_could_not_take(tmp_path: Path) -> None:
    kept = KeptBase()
    broken, whole = write_adapter(tmp_path / "broken", size=0.0), write_adapter(tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(UserError):
            kept.put_on(broken, TINY, None)
        assert kept.name is None
        assert kept.put_on(whole, TINY, None).acting
