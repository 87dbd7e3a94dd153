"""Runs side by side: estimates, paired differences to the first, and what is refused."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.comparing.compare import compare_runs, list_notes, render, terminal_table
from eval.comparing.evaluations import find_evaluation, read_evaluation
from eval.comparing.settings import DifferingSetting
from eval.scoring.score import evaluate_predictions
from recipebook.errors import UserError
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
HALF = ["right", "no"] * 10
MORE = ["right"] * 16 + ["no"] * 4
# McNemar's: chi-squared (8 - 2)² / 10 with one degree of freedom.
P_OF_8_AND_2 = math.erfc(math.sqrt(3.6 / 2))


def test_every_figure_has_each_runs_mean_and_its_difference_to_the_first(make_run: MakeRun) -> None:
    comparison = compare_runs([read_evaluation(make_run(answers)) for answers in (HALF, MORE, HALF)])
    exact = comparison.figures[0]
    assert [row.figure for row in comparison.figures] == ["exact", "pred_length", "ref_length", "length_ratio"]
    assert [(one.label, one.estimate.mean) for one in exact.standings] == [("A", 0.5), ("B", 0.8), ("C", 0.5)]
    assert [one.difference.mean if one.difference else None for one in exact.standings] == [None, 0.3, 0.0]
    # B: 8 better, 2 worse.
    assert exact.standings[1].difference and exact.standings[1].difference.p == pytest.approx(P_OF_8_AND_2)


def test_the_main_figure_is_adjusted_over_the_runs_and_its_intervals_hold_together(make_run: MakeRun) -> None:
    comparison = compare_runs([read_evaluation(make_run(answers)) for answers in (HALF, MORE, HALF)])
    adjusted = [one.p_adjusted for row in comparison.figures for one in row.standings]
    # Lengths are not tested, which leaves the two differences in `exact`.
    assert adjusted == [None, pytest.approx(2 * P_OF_8_AND_2), 1.0, *[None] * 9]
    # Alone, the same difference is held more closely.
    alone = compare_runs(comparison.runs[:2]).figures[0].standings[1].difference
    beside = comparison.figures[0].standings[1].difference
    assert alone and beside and alone.high and beside.high and beside.high > alone.high


def test_rewards_of_other_scales_are_not_compared(make_run: MakeRun) -> None:
    first, other = (read_evaluation(make_run(answers)) for answers in (HALF, MORE))
    scaled = other.summary.results[0].model_copy(update={"scale": "beta 2"})
    other = other._replace(summary=other.summary.model_copy(update={"results": (scaled, *other.summary.results[1:])}))
    comparison = compare_runs([first, other])
    assert [one.difference for one in comparison.figures[0].standings] == [None, None]
    assert comparison.figures[1].standings[1].difference is not None
    table = terminal_table(comparison)
    assert "B and A measure exact on different scales, so there is nothing to compare" in table
    assert "80 % power" not in table


def test_the_table_fits_80_columns_and_tells_what_was_found(make_run: MakeRun) -> None:
    runs = [make_run(["no"] * 20), make_run(MORE)]
    lines = terminal_table(compare_runs([read_evaluation(run) for run in runs])).splitlines()
    assert lines[:6] == [
        f"A  {runs[0].name}",
        f"B  {runs[1].name}",
        "",
        "exact",
        "  A  0.000 [0.000, 0.168]",
        "  B  0.800 [0.563, 0.943]  +0.800 [0.510, 0.919]  p <0.001",
    ]
    # None of 20 was lost; 1 - 0.5^(1/20) = 3.4 in 100 may be.
    assert lines[-3:] == [
        "B is better than A in exact: unlikely if the two were alike (p < 0.001)",
        "  differences in exact under 41.8 points often go unnoticed (80 % power)",
        "A, B: one training seed: another may differ",
    ]
    assert [line for line in lines if len(line) > 80] == []


def test_what_is_shown_is_never_said_to_be_hardly_found(make_run: MakeRun) -> None:
    runs = [read_evaluation(make_run([answer] * 8)) for answer in ("no", "right")]
    table = terminal_table(compare_runs(runs))
    assert "B is better than A in exact: unlikely if the two were alike (p = 0.008)" in table
    assert "80 % power" not in table
    few = terminal_table(compare_runs([read_evaluation(make_run([answer] * 3)) for answer in ("no", "right")]))
    assert "no difference in exact is known to be found with 80 % power" in few


def test_a_difference_that_is_not_shown_is_said_so(make_run: MakeRun) -> None:
    lines = terminal_table(compare_runs([read_evaluation(make_run(answers)) for answers in (HALF, MORE)])).splitlines()
    assert "B and A: a difference in exact is not shown (p = 0.058)" in lines


@pytest.mark.parametrize("condition", ["test set", "chat template", "metric settings", "generation settings"])
def test_runs_under_different_conditions_are_refused(make_run: MakeRun, condition: str) -> None:
    first = make_run(HALF)
    conditions = {**read_evaluation(first).summary.conditions, condition: "another"}
    other = make_run(HALF, conditions=conditions)
    with pytest.raises(UserError) as error:
        compare_runs([read_evaluation(first), read_evaluation(other)])
    assert str(error.value) == f"{first.name} and {other.name} cannot be compared: they differ in {condition}"


def test_a_checkpoint_is_compared_under_a_name_of_its_own(
    make_run: MakeRun, add_checkpoint: Callable[..., None], tmp_path: Path
) -> None:
    run = make_run(MORE)
    add_checkpoint(run, "checkpoint-500", HALF)
    add_checkpoint(run, "validation", HALF)
    names = (f"{run.name}@checkpoint-500", "robot")
    evaluations = [read_evaluation(*find_evaluation(name, tmp_path)) for name in names]
    lines = terminal_table(compare_runs(evaluations)).splitlines()
    assert lines[:2] == [f"A  {run.name}@checkpoint-500", f"B  {run.name}"]
    assert "20 test rows; in brackets 95 % intervals; differences to A" in lines
    other = read_evaluation(*find_evaluation("robot@validation", tmp_path))
    with pytest.raises(UserError, match=r"@validation cannot be compared: they differ in test set"):
        compare_runs([evaluations[1], other])


def test_an_evaluation_that_is_not_there_is_told_with_those_that_are(
    make_run: MakeRun, add_checkpoint: Callable[..., None], tmp_path: Path
) -> None:
    run = make_run(HALF)
    with pytest.raises(UserError, match=r"has no evaluation '@x'; beside its own it has: none$"):
        find_evaluation("robot@x", tmp_path)
    add_checkpoint(run, "validation/checkpoint-500", HALF)
    with pytest.raises(UserError, match=r"has no evaluation '@x'; .* it has: @validation/checkpoint-500$"):
        find_evaluation("robot@x", tmp_path)
    (run.folder / "eval" / "validation" / "checkpoint-500" / "scores.jsonl").unlink()
    with pytest.raises(UserError, match=rf'make eval RUN={run.name} CHECKPOINT=500 SET="eval.part=validation"$'):
        read_evaluation(run, "validation/checkpoint-500")


def test_a_run_alone_or_named_twice_is_refused(make_run: MakeRun) -> None:
    run = read_evaluation(make_run(HALF))
    with pytest.raises(UserError, match=r"RUNS: 1 run given; two or more are compared"):
        compare_runs([run])
    with pytest.raises(UserError, match=r"RUNS: robot-\S+ is named twice"):
        compare_runs([run, run])


def test_a_run_that_was_not_or_long_ago_or_half_evaluated_is_told_to_be_again(make_run: MakeRun) -> None:
    untouched, old, broken, mixed = make_run(), make_run(HALF, conditions={}), make_run(HALF), make_run(HALF)
    (broken.folder / "eval" / "summary.json").write_text('{"main": "exact"}')
    scores = mixed.folder / "eval" / "scores.jsonl"
    scores.write_text("".join(scores.read_text().splitlines(keepends=True)[1:]))
    for run, reason in [
        (untouched, "is trained and not evaluated"),
        (old, "was evaluated before results could be compared"),
        (broken, r"eval/summary.json: seed: Field required; "),
        (mixed, "has scores of other rows than its predictions"),
    ]:
        with pytest.raises(UserError, match=rf"{reason}.*make eval RUN={run.name}$"):
            read_evaluation(run)


def test_scores_that_are_no_json_are_told(make_run: MakeRun) -> None:
    run = make_run(HALF)
    (run.folder / "eval" / "scores.jsonl").write_text("[]\n")
    with pytest.raises(UserError, match=r"scores\.jsonl holds no scores that can be read: make eval RUN="):
        read_evaluation(run)


def test_the_page_tells_every_run_and_what_runs_say_stays_text(make_run: MakeRun) -> None:
    runs = [make_run(HALF, recipe="<b>evil"), make_run(MORE)]
    html = render(compare_runs([read_evaluation(run) for run in runs]))
    assert "<b>evil" not in html and "&lt;b&gt;evil" in html
    for text in (runs[1].name, "+0.300 [", "<td>0.058</td>", "the answer is the reference, case and white space aside"):
        assert text in html
    assert [word for word in ("<script", "<link", "src=", "http:", "https:", "Profile tiny") if word in html] == []


def test_settings_that_differ_are_named_with_each_runs_value(make_run: MakeRun) -> None:
    runs = [make_run(HALF), make_run(MORE)]
    for run, rank in zip(runs, (8, 16), strict=True):
        settings = f"description: of {rank}\nlora: {{r: {rank}, target_modules: [q, v]}}\neval: {{seed: {rank}}}\n"
        (run.folder / "resolved.yaml").write_text(settings)
        run.write(run.read().model_copy(update={"rows": {"train": 10 * rank, "test": rank}}))
    comparison = compare_runs([read_evaluation(run) for run in runs])
    assert comparison.differing == (
        DifferingSetting("lora.r", ("8", "16")),
        DifferingSetting("train rows", ("80", "160")),
    )
    assert terminal_table(comparison).splitlines()[2:6] == [
        "",
        "settings that differ",
        "  lora.r: 8, 16",
        "  train rows: 80, 160",
    ]
    assert '<th scope="row">lora.r</th><td data-label="A">8</td><td data-label="B">16</td>' in render(comparison)


def test_the_title_names_the_runs(make_run: MakeRun) -> None:
    runs = [make_run(HALF), make_run(MORE), make_run(HALF)]
    read = [read_evaluation(run) for run in runs]
    two, three = (render(compare_runs(read[:count])) for count in (2, 3))
    assert f"<title>Comparison of {runs[0].name} and {runs[1].name}</title>" in two
    assert f"<title>Comparison of {runs[0].name} and 2 others</title>" in three


def test_the_page_links_to_the_reports_that_there_are(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(HALF), make_run(MORE)]
    (runs[1].folder / "eval" / "report.html").touch()
    html = render(compare_runs([read_evaluation(run) for run in runs]), tmp_path / "compare.html")
    assert re.findall('href="([^"]*)"', html) == [f"{runs[1].name}/eval/report.html"]


def test_the_rows_of_a_figure_that_not_all_have_are_counted(make_run: MakeRun) -> None:
    right, silent = "robot.move_forward(distance=1)", "robot.stop()"
    runs = [make_run(), make_run()]
    for run, answers in zip(runs, ((right, silent, right), (silent, right, silent)), strict=True):
        folder = run.folder / "eval"
        folder.mkdir()
        rows = [{"id": str(at), "prompt": "p", "reference": right, "prediction": one} for at, one in enumerate(answers)]
        (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        evaluate_predictions(folder / "predictions.jsonl", {"robot": {}}, [], "exact", 42, folder, {"test set": "t"})
    comparison = compare_runs([read_evaluation(run) for run in runs])
    lines = [
        "argument_precision: of 3 rows 2 of A, 1 of B (0 with A); undefined for the others",
        "order: undefined in all 3 rows",
    ]
    assert [line for line in list_notes(comparison) if "undefined" in line] == lines
    assert all(line in " ".join(terminal_table(comparison).split()) for line in lines)
