"""Evaluated runs to what people see of them, and the two commands from end to end."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.human.forms import make_forms
from eval.human.report import print_results
from eval.human.study import read_keys
from eval.human.systems import Question, read_systems
from recipebook.errors import UserError
from recipebook.rows import Message
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]


def add_rows(run: Run, rows: int = 4) -> Run:
    """The rows that the run's predictions are of."""
    lines = [
        {
            "messages": [{"role": "user", "content": f"say {row}"}, {"role": "assistant", "content": "right"}],
            "meta": {"origin": str(row)},
        }
        for row in range(rows)
    ]
    (run.folder / "data").mkdir(parents=True)
    (run.folder / "data" / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def test_one_run_is_its_base_and_what_was_tuned(make_run: MakeRun, tmp_path: Path) -> None:
    add_rows(make_run(["right", "no", "no", "no"]))
    systems, questions = read_systems(["robot"], tmp_path)
    assert systems == ("base", "tuned")
    said: tuple[Message, ...] = ({"role": "user", "content": "say 0"},)
    assert questions[0] == Question("0", "0", said, {"base": "wrong", "tuned": "right"})
    assert [question.id for question in questions] == ["0", "1", "2", "3"]


def test_several_runs_share_a_base_and_are_named_by_their_recipes_if_they_can(
    make_run: MakeRun, tmp_path: Path
) -> None:
    first, other, again = [add_rows(make_run(["right"] * 4, recipe)) for recipe in ("robot", "sweep", "robot")]
    assert read_systems([first.name, other.name], tmp_path)[0] == ("base", "robot", "sweep")
    assert read_systems([first.name, again.name], tmp_path)[0] == ("base", first.name, again.name)
    manifest = other.read()
    other.write(manifest.model_copy(update={"hashes": {"base": "b2"}}))
    assert read_systems([first.name, other.name], tmp_path)[0] == ("base of robot", "base of sweep", "robot", "sweep")
    with pytest.raises(UserError, match=r"RUNS: robot is named twice; a run does not differ from itself"):
        read_systems([first.name, first.name], tmp_path)


def test_a_run_with_stages_is_its_base_and_the_model_of_each(
    make_run: MakeRun, add_checkpoint: Callable[..., None], tmp_path: Path
) -> None:
    run = make_run(["right", "right", "no", "no"])
    # Pairs are measured by their likelihood, so nobody wrote anything; texts are in the second section.
    for where, answers in [("dpo/sft", [""] * 4), ("dpo/dpo", [""] * 4), ("sft/sft", ["right", "no", "no", "no"])]:
        add_checkpoint(run, where, answers)
    add_rows(Run(run.folder / "stages" / "sft"))
    sections = [
        {"name": name, "main": "exact", "rows": 4, "told": "test rows", "models": ["base", "sft", "dpo"], "figures": []}
        for name in ("dpo", "sft")
    ]
    (run.folder / "eval" / "stages.json").write_text(json.dumps({"sections": sections}))
    systems, questions = read_systems(["robot"], tmp_path)
    assert systems == ("base", "sft", "dpo")
    assert questions[1].answers == {"base": "wrong", "sft": "no", "dpo": "right"}
    assert read_systems([f"{run.name}@sft/sft"], tmp_path)[0] == ("base", "tuned")


def test_runs_of_other_prompts_share_none(make_run: MakeRun, tmp_path: Path) -> None:
    first, other = add_rows(make_run(["right"] * 4)), add_rows(make_run(["right"] * 4, "sweep"))
    path = other.folder / "eval" / "predictions.jsonl"
    path.write_text(path.read_text().replace('"reference": "right"', '"reference": "left"'))
    with pytest.raises(UserError, match="share no prompt; runs with the same data and eval settings do"):
        read_systems([first.name, other.name], tmp_path)


def test_a_run_whose_models_wrote_nothing_is_told_to_be_asked(make_run: MakeRun, tmp_path: Path) -> None:
    run = add_rows(make_run(["", "", "", ""]))
    with pytest.raises(UserError, match=rf"without generating answers; .*: make eval RUN={run.name} SET=\"eval"):
        read_systems([run.name], tmp_path)


def test_forms_that_come_back_become_figures(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = add_rows(make_run(["right"] * 4))
    assert make_forms(["robot"], 9, 2, 42, tmp_path) == 0
    assert "4 conversations instead of 9: the runs have no more" in capsys.readouterr().out
    ((study, key),) = read_keys(run).items()
    folder = run.folder / "human-eval" / study
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == ["forms/evaluator-1.html", "forms/evaluator-2.html", "key.json"]
    for evaluator, sheet in enumerate(key.sheets, 1):
        # Both find every right answer good and every wrong one bad.
        answers = [
            {
                "question": number,
                "ratings": {
                    letter: dict.fromkeys(("quality", "fluency", "satisfaction"), 5 if system == "tuned" else 1)
                    for letter, system in zip("AB", item.systems, strict=True)
                },
                "best": "AB"[item.systems.index("tuned")],
            }
            for number, item in enumerate(sheet, 1)
        ]
        form = {"study": study, "evaluator": evaluator, "answers": answers}
        (folder / "returned" / f"{evaluator}.json").write_text(json.dumps(form))
    assert print_results("robot", [], tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  base           1.00 [1.00, ") and lines[2].startswith("  tuned          5.00 [")
    assert "  quality       1.00: reliable" in lines
    assert "2 of 2 forms, 4 conversations each" in lines
    assert (folder / "results.html").is_file()
    assert json.loads((folder / "results.json").read_text())["preferences"][0]["rate"]["mean"] == 1.0


def test_again_is_the_same_study_and_another_stands_beside_it(make_run: MakeRun, tmp_path: Path) -> None:
    run = add_rows(make_run(["right"] * 4))
    with pytest.raises(UserError, match=rf"has no study: make human-eval RUN={run.name}$"):
        print_results("robot", [], tmp_path)
    for seed in (42, 42, 43):
        make_forms(["robot"], 4, 1, seed, tmp_path)
    assert len(read_keys(run)) == 2
    with pytest.raises(UserError, match="has 2 studies; IN names the files of one, such as"):
        print_results("robot", [], tmp_path)
    with pytest.raises(UserError, match="EVALUATORS: 0; at least 1"):
        make_forms(["robot"], 4, 0, 42, tmp_path)
