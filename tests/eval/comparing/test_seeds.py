"""A fleet over training seeds is one system: in its table, beside other runs, and in the ranking."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.comparing.compare import compare_runs, terminal_table
from eval.comparing.evaluations import read_evaluation
from eval.comparing.join import read_systems
from eval.comparing.leaderboard import rank_runs
from eval.comparing.leaderboard import terminal_table as rank_table
from eval.comparing.seeds import compare_systems, join_seeds
from eval.comparing.seeds_page import SeedSummary, format_table, summarise_seeds, write_seeds
from eval.comparing.settings import DifferingSetting
from eval.report.stage_summary import FILE, SectionSummary, StageFigure, StageSummary
from eval.scoring.baselines import add_baselines
from eval.scoring.summary import Baseline, Summary
from recipebook.run.rundir import Run, list_fleet, list_untrained, name_members

MakeRun = Callable[..., Run]
HASHES = {"rows": "r", "base": "b", "chat_template": "c"}
# Ten rows, right as far as they have +; the base is always wrong.
SAID = {42: "++++++++--", 43: "+++++++---", 44: "+++++++++-"}


@pytest.fixture
def fleet(make_run: MakeRun, tmp_path: Path) -> list[Run]:
    """Three evaluated trainings of one recipe, in the fleet `robot-seeds`."""
    (tmp_path / "robot-seeds").mkdir()
    runs = []
    for seed, said in SAID.items():
        run = make_run(["right" if one == "+" else "no" for one in said], questions="abcdefghij")
        (run.folder / "resolved.yaml").write_text(f"training: {{seed: {seed}}}\n")
        rows = {"test": len(said)}
        run.write(run.read().model_copy(update={"member": f"seed{seed}", "rows": rows, "hashes": HASHES}))
        runs.append(Run(run.folder.rename(tmp_path / "robot-seeds" / run.folder.name), "robot-seeds"))
    return runs


@pytest.fixture
def summary(fleet: list[Run]) -> SeedSummary:
    """What the fleet came to."""
    return summarise_seeds("robot-seeds", fleet, [*SAID])


def test_the_figure_is_the_mean_over_the_seeds_with_their_spread(summary: SeedSummary) -> None:
    exact = summary.figures[0]
    assert (exact.result.figure, exact.values) == ("exact", (0.8, 0.7, 0.9))
    # (0.8 + 0.7 + 0.9) / 3, and deviations of 0, -0.1 and 0.1 by 2.
    assert exact.result.tuned.mean == pytest.approx(0.8)
    assert exact.deviation == pytest.approx(0.1)
    assert exact.result.base and exact.result.base.mean == 0
    difference = exact.result.difference
    assert difference and difference.mean == pytest.approx(0.8)
    assert difference.low is not None and 0 < difference.low < 0.5 and difference.high == 1
    assert exact.result.p_adjusted == difference.p


def test_the_table_and_the_page_say_what_the_seeds_make_of_it(summary: SeedSummary, tmp_path: Path) -> None:
    text = format_table(summary)
    assert "3 seeds from 0.700 to 0.900, standard deviation 0.100." in " ".join(text.split())
    assert text.splitlines()[0] == "figure        base   3 seeds [95 %]        difference [95 %]      p"
    page = write_seeds(summary, tmp_path).read_text()
    assert "one recipe trained with the seeds 42, 43, 44" in page and ">seed 43</th>" in page
    assert SeedSummary.model_validate_json((tmp_path / "seeds.json").read_bytes()) == summary


def test_compare_takes_the_fleet_as_one_system(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    alone = make_run(["no"] * 10, questions="abcdefghij")
    comparison = compare_runs(read_systems([alone.name, "robot-seeds"], tmp_path))
    one = comparison.figures[0].standings[1]
    assert one.difference and one.difference.n == 10
    assert one.difference.mean == pytest.approx(0.8)
    text = terminal_table(comparison)
    assert "B  robot-seeds, 3 seeds\n" in text
    assert text.endswith("A: one training seed: another may differ")


def test_what_the_members_share_is_no_setting_that_differs(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    alone = make_run(["no"] * 10, questions="abcdefghij")
    (alone.folder / "resolved.yaml").write_text("training: {seed: 42}\nlora: {r: 8}\n")
    for run, seed in zip(fleet, SAID, strict=True):
        (run.folder / "resolved.yaml").write_text(f"training: {{seed: {seed}}}\nlora: {{r: 16}}\n")
    found = compare_runs(read_systems([alone.name, "robot-seeds"], tmp_path)).differing
    assert [one for one in found if not one.key.endswith("rows")] == [
        DifferingSetting("training.seed", ("42", "42 / 43 / 44")),
        DifferingSetting("lora.r", ("8", "16")),
    ]


def test_seeds_without_a_trained_model_are_named(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    name_members("robot-seeds", ["seed42", "seed43", "seed44", "seed45"], whole=True, runs=tmp_path)
    assert list_untrained("robot-seeds", list_fleet("robot-seeds", tmp_path), tmp_path) == ["seed45"]
    alone = make_run(["no"] * 10, questions="abcdefghij")
    left_out = "3 of 4 seeds: seed45 without a trained model; a seed that fails may be one of the worse"
    assert "B  robot-seeds, 3 of 4 seeds\n" in terminal_table(
        compare_runs(read_systems([alone.name, "robot-seeds"], tmp_path))
    )
    assert "robot-seeds, 3 of 4 seeds" in rank_table(rank_runs(None, tmp_path))
    summary = summarise_seeds("robot-seeds", fleet, [*SAID], untrained=["seed45"])
    assert left_out in " ".join(format_table(summary).split())
    assert left_out in write_seeds(summary, tmp_path / "robot-seeds").read_text()


def test_a_fleet_of_which_one_training_is_left_is_no_system_of_several(
    fleet: list[Run], make_run: MakeRun, tmp_path: Path
) -> None:
    for run in fleet[1:]:
        run.write(run.read().model_copy(update={"status": "failed"}))
    alone = make_run(["no"] * 10, questions="abcdefghij")
    text = terminal_table(compare_runs(read_systems([alone.name, "robot-seeds"], tmp_path)))
    assert "B  robot-seeds, 1 member, 10 of its 10 rows\n" in text
    assert "A, B: one training seed: another may differ" in text


def test_the_page_of_seeds_leads_to_the_other_pages_and_says_what_goes_unnoticed(
    fleet: list[Run], summary: SeedSummary, tmp_path: Path
) -> None:
    for name in ("index.html", "leaderboard.html", "robot-seeds/members.html"):
        (tmp_path / name).touch()
    page = write_seeds(summary, tmp_path / "robot-seeds", tmp_path).read_text()
    assert re.findall('href="([^"]*)"', page) == ["../index.html", "members.html", "../leaderboard.html"]
    (power,) = summary.power
    assert power.endswith("points often go unnoticed (80 % power)")
    assert f"{power[0].upper()}{power[1:]}." in page and power in " ".join(format_table(summary).split())
    noticed = summary.model_copy(update={"notice": "Profile tiny: another base."})
    page = write_seeds(noticed, tmp_path / "robot-seeds", tmp_path).read_text()
    assert '<p class="banner">Profile tiny: another base.</p>' in page


def test_the_ranking_has_the_fleet_in_place_of_its_members(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    alone = make_run(["no"] * 10, questions="abcdefghij")
    board = rank_runs(None, tmp_path)
    (group,) = board.groups
    assert [one.run.name for one in group.standings] == ["robot-seeds", alone.name]
    assert group.doubts[-1] == "1 run of one training seed: another may differ"
    assert "robot-seeds" in rank_table(board)


def test_members_of_other_rows_stay_runs_of_their_own(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    path = fleet[2].folder / "resolved.yaml"
    path.write_text("training: {seed: 44, epochs: 7}\n")
    (group,) = rank_runs(None, tmp_path).groups
    assert len(group.standings) == 3


def test_all_seeds_together_are_compared_with_baselines(fleet: list[Run]) -> None:
    for at, run in enumerate(fleet):
        folder = run.folder / "eval"
        old = Summary.model_validate_json((folder / "summary.json").read_bytes())
        # The nearest train row is the same for every seed; each placebo is a training of its own.
        answers = {"nearest": ["right"] * 2 + ["no"] * 8, "placebo": ["right"] * at + ["no"] * (10 - at)}
        add_baselines(folder, old, {"text": {}}, answers, None)
    summary = summarise_seeds("robot-seeds", fleet, [*SAID])
    nearest, placebo = summary.baselines
    # Seeds have 8, 7 and 9 of 10 right, nearest 2, and the placebos 0, 1 and 2.
    assert nearest.estimates["exact"].mean == pytest.approx(0.2)
    assert nearest.difference.mean == pytest.approx(0.6)
    assert placebo.estimates["exact"].mean == pytest.approx(0.1)
    assert placebo.difference.mean == pytest.approx(0.7)
    assert summary.not_compared == ()
    assert "Better than each of 3 baselines, of which nearest (0.200) is the strongest" in summary.verdict
    assert "It learned the content" in summary.verdict
    assert "nearest" in format_table(summary)


def test_a_last_stage_is_compared_with_the_stage_before_it(fleet: list[Run], make_run: MakeRun, tmp_path: Path) -> None:
    figure = StageFigure(figure="exact", explanation="", less_is_better=False, estimates=(), steps=())
    section = SectionSummary(
        name="warm", main="exact", rows=10, description="test rows", models=("base", "warm", "rl"), figures=(figure,)
    )
    for at, run in enumerate(fleet):
        other = make_run(["right"] * at + ["no"] * (10 - at), questions="abcdefghij")
        (run.folder / "eval" / "warm").mkdir()
        (other.folder / "eval").rename(run.folder / "eval" / "warm" / "warm")
        (run.folder / "eval" / FILE).write_text(StageSummary(sections=(section,)).model_dump_json())
    summary = summarise_seeds("robot-seeds", fleet, [*SAID])
    # Seeds have 8, 7 and 9 of 10 right, and their warm starts 0, 1 and 2.
    assert summary.before and summary.before.estimates["exact"].mean == pytest.approx(0.1)
    assert summary.before.difference.mean == pytest.approx(0.7)
    assert "Better than stage warm (0.100): +0.700 [" in summary.verdict
    assert "stage warm  0.100" in format_table(summary)
    assert "Against the stage before" in write_seeds(summary, tmp_path).read_text()


def test_a_baseline_of_which_a_seed_has_no_scores_is_named(fleet: list[Run]) -> None:
    for run in fleet:
        folder = run.folder / "eval"
        old = Summary.model_validate_json((folder / "summary.json").read_bytes())
        add_baselines(folder, old, {"text": {}}, {"nearest": ["no"] * 10}, None)
    (fleet[1].folder / "eval" / "baseline_scores.jsonl").unlink()
    summary = summarise_seeds("robot-seeds", fleet, [*SAID])
    assert (summary.baselines, summary.not_compared) == ((), ("nearest",))
    assert summary.note == "nearest: not compared with all seeds together: make eval RUN=robot-seeds"


def test_too_few_rows_for_the_interval_are_said_in_the_table_of_runs(make_run: MakeRun, tmp_path: Path) -> None:
    first, *others = (read_evaluation(make_run(["right"] * right + ["no"] * (5 - right))) for right in (3, 4, 4))
    system = join_seeds("robot-seeds", [first, *others])
    assert system.summary.headline.tuned.caution == "5 groups of rows are few"
    difference = compare_systems(system.summary.headline, first, system)
    assert difference.caution == "5 groups of rows are few; only 1 of 5 differ"
    # Of five rows no p-value is below 0.0625.
    assert difference.detectable is None


def test_the_table_and_the_page_of_the_seeds_say_so_too(summary: SeedSummary, tmp_path: Path) -> None:
    exact = summary.figures[0]
    tuned = exact.result.tuned.model_copy(update={"caution": "5 groups of rows are few"})
    doubtful = exact.model_copy(update={"result": exact.result.model_copy(update={"tuned": tuned})})
    said = summary.model_copy(update={"figures": (doubtful, *summary.figures[1:])})
    line = "intervals may be too short: 5 groups of rows are few"
    assert line in " ".join(format_table(said).split()) and line not in " ".join(format_table(summary).split())
    assert "5 groups of rows are few" in write_seeds(said, tmp_path).read_text()


def test_a_stage_before_that_is_better_is_said_to_be(summary: SeedSummary) -> None:
    difference = summary.headline.difference
    assert difference
    worse = difference.model_copy(update={"mean": -0.5, "low": -0.9, "high": -0.1, "p": 0.01})
    before = Baseline(name="warm", estimates={"exact": summary.headline.tuned}, difference=worse)
    said = summary.model_copy(update={"before": before}).verdict
    assert said.endswith("Worse than stage warm (0.800): -0.500 [-0.900, -0.100], p = 0.010.")
