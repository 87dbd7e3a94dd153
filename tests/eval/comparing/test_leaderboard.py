"""The leaderboard: who is ranked with whom, who ties with the best, and who is left out, with the reason."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.comparing.leaderboard import rank_runs, render, terminal_table
from eval.scoring.baselines import add_baselines
from eval.scoring.summary import Summary
from recipebook.errors import UserError
from recipebook.run import rundir
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]
CONDITIONS = {"test set": "t1", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
BAD = ["right"] * 5 + ["no"] * 15
GOOD = ["right"] * 15 + ["no"] * 5
BEST = ["right"] * 16 + ["no"] * 4


def test_the_best_comes_first_and_ties_are_marked(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(answers) for answers in (BAD, GOOD, BEST)]
    (group,) = rank_runs(None, tmp_path).groups
    assert [(one.rank, one.run.run, one.tied) for one in group.standings] == [
        (1, runs[2].name, False),
        (2, runs[1].name, True),
        (3, runs[0].name, False),
    ]
    # One row of 20 is worse, none better, which says nothing; eleven are: chi-squared 11, three times by Holm, as three
    # runs have three pairs.
    p_of_11 = math.erfc(math.sqrt(11 / 2))
    assert [one.p_adjusted for one in group.standings] == [None, 1.0, pytest.approx(3 * p_of_11)]


def test_the_power_of_a_ranking_is_that_of_the_run_with_the_least(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(["right"] * 8)
    make_run(["no"] * 8)
    board = rank_runs(None, tmp_path)
    assert "80 % power" not in terminal_table(board) + render(board, None).replace("power of 80 %", "")
    # Not shown over three pairs, and nothing is known to be found.
    few = make_run(["right"] * 3 + ["no"] * 5)
    (group,) = rank_runs(None, tmp_path).groups
    assert group.detectable == [
        f"between {few.name} and the best, with the least power: no difference in exact is known to be found with 80 % "
        "power: too few rows, or all alike"
    ]


def test_a_ranking_in_80_columns_has_the_whole_name_of_each_run_beside_its_rank(
    make_run: MakeRun, tmp_path: Path
) -> None:
    recipe = "robot-lora-with-a-learning-rate-that-somebody-wrote-into-its-name"
    runs = [make_run(answers, recipe=recipe) for answers in (GOOD, BAD)]
    lines = terminal_table(rank_runs(None, tmp_path)).splitlines()
    assert lines[1:7] == [
        "     run",
        "     exact [95 %]          to best  p",
        f"  1  {runs[0].name}",
        "     0.750 [0.531, 0.888]",
        f"  2  {runs[1].name}",
        "     0.250 [0.112, 0.469]  -0.500   0.002",
    ]


@pytest.mark.parametrize(
    ("files", "old", "new", "reason"),
    [
        (("scores.jsonl",), '"exact": 1.0', '"exact": "x"', "scores.jsonl holds no scores that can be read"),
        (("scores.jsonl",), '"tuned": {', '"tuned": [], "x": {', "scores.jsonl holds no scores that can be read"),
        (("scores.jsonl",), '"exact": 1.0', '"exact": 7', "scores.jsonl: 0: exact is 7, and can be 0 or 1"),
        (("scores.jsonl", "predictions.jsonl"), '{"id": "19"', "", "has 19 answers, and its summary.json 20"),
    ],
)
def test_one_evaluation_whose_files_were_edited_leaves_the_others_their_ranks(
    make_run: MakeRun, tmp_path: Path, files: tuple[str, ...], old: str, new: str, reason: str
) -> None:
    make_run(BEST)
    edited, _ = make_run(BAD), make_run(GOOD)
    for name in files:
        path = edited.folder / "eval" / name
        text = path.read_text()
        path.write_text(text.replace(old, new, 1) if new else text[: text.index(old)])
    board = rank_runs(None, tmp_path)
    assert [len(group.standings) for group in board.groups] == [2]
    assert [(one.run, reason in one.reason) for one in board.left_out] == [(edited.name, True)]


def test_an_evaluation_without_figures_leaves_the_others_their_ranks(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(BEST)
    edited, _ = make_run(BAD), make_run(GOOD)
    path = edited.folder / "eval" / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "results": []}))
    board = rank_runs(None, tmp_path)
    assert [len(group.standings) for group in board.groups] == [2]
    assert [(one.run, "summary.json: results: " in one.reason) for one in board.left_out] == [(edited.name, True)]


def test_a_fleets_ranking_has_its_members_that_are_runs_of_another_recipe(make_run: MakeRun, tmp_path: Path) -> None:
    own, linked, _ = make_run(GOOD, recipe="fleet"), make_run(BEST), make_run(BAD)
    (tmp_path / "fleet").mkdir()
    rundir.note_members("fleet", {"alpha": linked.name}, tmp_path)
    (group,) = rank_runs("fleet", tmp_path).groups
    assert [one.run.run for one in group.standings] == [linked.name, own.name]


def test_what_is_less_ranks_first_where_less_is_better(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(answers) for answers in (GOOD, BAD, BEST)]
    for run in runs:
        summary = run.folder / "eval" / "summary.json"
        summary.write_text(summary.read_text().replace('"less_is_better": false', '"less_is_better": true'))
    (group,) = rank_runs(None, tmp_path).groups
    assert [one.run.run for one in group.standings] == [runs[1].name, runs[0].name, runs[2].name]


def test_runs_that_were_asked_otherwise_are_never_in_one_ranking(make_run: MakeRun, tmp_path: Path) -> None:
    asked = {"test set": "t2", "chat template": "c1", "metric settings": "m1", "generation settings": "g1"}
    other, first, second, by_length = (
        make_run(BEST, conditions=asked), make_run(GOOD), make_run(BAD), make_run(BEST)
    )  # fmt: skip
    summary = by_length.folder / "eval" / "summary.json"
    summary.write_text(summary.read_text().replace('"main": "exact"', '"main": "pred_length"'))
    groups = rank_runs(None, tmp_path).groups
    assert [[one.run.run for one in group.standings] for group in groups] == [
        [first.name, second.name],
        [by_length.name],
        [other.name],
    ]


def test_checkpoints_are_ranked_by_name_and_parts_apart(
    make_run: MakeRun, add_checkpoint: Callable[..., None], tmp_path: Path
) -> None:
    run = make_run(GOOD)
    for where, answers in [("checkpoint-500", BAD), ("validation", BEST), ("validation/checkpoint-500", BAD)]:
        add_checkpoint(run, where, answers)
    board = rank_runs(None, tmp_path)
    assert [(group.part, [one.run.name for one in group.standings]) for group in board.groups] == [
        ("test rows", [run.name, f"{run.name}@checkpoint-500"]),
        ("validation rows", [f"{run.name}@validation", f"{run.name}@validation/checkpoint-500"]),
    ]
    assert "exact, 20 validation rows: 2 runs" in terminal_table(board)


def test_runs_without_a_place_are_told_with_the_reason(make_run: MakeRun, tmp_path: Path) -> None:
    untouched, broken, lost = make_run(), make_run(GOOD), make_run(GOOD)
    (broken.folder / "manifest.json").write_text('{"run": ')
    (lost.folder / "eval" / "scores.jsonl").unlink()
    board = rank_runs(None, tmp_path)
    assert board.groups == ()
    assert [(one.run, one.reason.split(": ")[0]) for one in board.left_out] == [
        (lost.name, f"{lost.name}/eval/scores.jsonl holds no scores that can be read"),
        (broken.name, f"{broken.name}/manifest.json"),
        (untouched.name, f"{untouched.name} is trained and not evaluated"),
    ]
    assert "no run can be ranked" in terminal_table(board)


def test_a_recipe_may_be_ranked_alone_and_an_unknown_one_is_told(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(GOOD)
    run = make_run(BAD, recipe="trait")
    (group,) = rank_runs("trait", tmp_path).groups
    assert [one.run.run for one in group.standings] == [run.name]
    with pytest.raises(UserError, match="no run of recipe 'trade' in runs/; it has runs of: robot, trait"):
        rank_runs("trade", tmp_path)


def test_the_table_fits_80_columns(make_run: MakeRun, tmp_path: Path) -> None:
    bad, best = make_run(BAD), make_run(BEST)
    lines = terminal_table(rank_runs(None, tmp_path)).splitlines()
    assert lines[:4] == [
        "exact, 20 test rows: 2 runs",
        "     run                    exact [95 %]          to best  p",
        f"  1  {best.name}  0.800 [0.563, 0.943]",
        f"  2  {bad.name}  0.250 [0.112, 0.469]  -0.550   <0.001",
    ]
    # The worse run wins in no draw, so that nothing was gained by choosing.
    assert lines[4] == "the best of 2, chosen by these rows, looks 0.000 too good: expect 0.800"
    assert [line for line in lines if len(line) > 80] == []


def test_the_page_tells_ranks_and_reasons_and_what_runs_say_stays_text(make_run: MakeRun, tmp_path: Path) -> None:
    make_run(GOOD), make_run(BEST), make_run(recipe="<b>evil")
    html = render(rank_runs(None, tmp_path), None)
    assert "<b>evil" not in html and "&lt;b&gt;evil" in html
    for text in (
        "2 = · robot-20261120-120105",
        "is trained and not evaluated",
        "-0.050 [",
        "The best of 2, chosen by these rows",
    ):
        assert text in html
    assert [word for word in ("<script", "<link", "src=", "http:", "https:", "Profile tiny") if word in html] == []


def test_runs_that_are_comparable_with_no_other_are_listed(make_run: MakeRun, tmp_path: Path) -> None:
    for number in range(2):
        make_run(GOOD, conditions={**CONDITIONS, "test set": f"of {number}"})
    best = make_run(BEST)
    board = rank_runs(None, tmp_path)
    assert board.ranked == []
    lines = terminal_table(board).splitlines()
    assert lines[:5] == [
        "exact, not comparable with other runs (other rows or settings): 3 runs",
        "  run                    exact [95 %]          rows",
        "  robot-20261120-120105  0.750 [0.531, 0.888]  20",
        "  robot-20261120-120205  0.750 [0.531, 0.888]  20",
        f"  {best.name}  0.800 [0.563, 0.943]  20",
    ]
    assert "<td>0.800 [0.563,\N{NO-BREAK SPACE}0.943]</td><td>20 test rows</td></tr>" in render(board, None)


def test_every_group_has_an_axis_of_its_own_and_runs_link_to_their_reports(make_run: MakeRun, tmp_path: Path) -> None:
    short, long = ["right"] * 4, ["right " * 200] * 4
    runs = [make_run(short), make_run(short)]
    others = [make_run(long, conditions={"test set": "t2"}), make_run(long, conditions={"test set": "t2"})]
    for run in others:
        summary = json.loads((run.folder / "eval" / "summary.json").read_bytes())
        results = sorted(summary["results"], key=lambda result: result["figure"] != "pred_length")
        (run.folder / "eval" / "summary.json").write_text(
            json.dumps(summary | {"main": "pred_length", "results": results})
        )
    (runs[0].folder / "eval" / "report.html").touch()
    html = render(rank_runs(None, tmp_path), None, tmp_path / "leaderboard.html")
    axes = re.findall(r'text-anchor="middle">([^<]*)<', html)
    assert axes == ["200", "200.2", "200.4", "200.6", "200.8", "201", "0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert re.findall('href="([^"]*)"', html) == [f"{runs[0].name}/eval/report.html"]


def test_a_run_keeps_its_name_where_its_report_is_quoted(make_run: MakeRun, tmp_path: Path) -> None:
    one, _ = make_run(["right"] * 30), make_run(["right"] * 29 + ["no"])
    folder = one.folder / "eval"
    summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    add_baselines(folder, summary, {"text": {}}, {"nearest": ["no"] * 30}, None)
    page = render(rank_runs(None, tmp_path), None)
    assert f"The report of {one.name} says: Better than each of 2 baselines" in page
