"""Every page in a real browser, on a desk, in the dark and on a phone: axe-core finds nothing, nothing is cut off."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from eval.comparing import compare, leaderboard
from eval.comparing.join import read_systems
from eval.comparing.seeds_page import summarise_seeds, write_seeds
from eval.human import report as human
from eval.human.forms import render_forms
from eval.human.results import sum_up
from eval.human.returned import Judgement, Returned
from eval.human.study import draw_study
from eval.human.systems import Question
from eval.report.page import ReportInput, write_report
from eval.report.stage_summary import FILE, StageSummary, summarise_section
from eval.scoring.baselines import add_baselines
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Summary
from recipebook.fleet.page import write_page
from recipebook.fleet.table import Line
from recipebook.run.index_page import write_index
from recipebook.run.rundir import Run

OPEN = Callable[..., Page]
CURVE = [
    {
        "step": 10 * step,
        "loss": 9 / step,
        "learning_rate": 0.001,
        "grad_norm": 1 + step,
        "memory/max_allocated (GiB)": 70,
    }
    for step in range(1, 12)
] + [{"step": 10, "eval_loss": 5.0}, {"step": 110, "eval_loss": 2.0}]
SIGHTS = {"desk": (1280, False), "dark": (1280, True), "phone": (390, False)}


@pytest.fixture
def pages(tmp_path: Path, make_run: Callable[..., Run], add_checkpoint: Callable[..., None]) -> dict[str, Path]:
    """One page of each kind, with all that it may hold."""
    one = make_run(["right", "no", "no", "right", "right", "no"] * 5)
    two = make_run(["right", "right", "no", "right", "no", "right"] * 5)
    add_checkpoint(two, "validation", ["right", "no"])
    for run in (one, two):
        folder = run.folder / "eval"
        known = Summary.model_validate_json((folder / "summary.json").read_bytes())
        answers = {"nearest": ["right", "no", "no"] * 10, "placebo": ["no"] * 30}
        add_baselines(folder, known, {"text": {}}, answers, None)
    lines = [
        Line("joy", "trained", "1.2214", "exact: 0.500 (0.250)", "7 s", "24", "good", one.name),
        Line("few", "left out", "", "", "", "3", "3 train rows, and matrix.min_rows is 5"),
    ]
    (tmp_path / "traits").mkdir()
    write_page("traits", "traits", lines, tmp_path)
    written = {
        "compare": compare.render(compare.compare_runs(read_systems([one.name, two.name], tmp_path))),
        "leaderboard": leaderboard.render(leaderboard.rank_runs(None, tmp_path), None),
        **write_people(),
    }
    for name, text in written.items():
        (tmp_path / f"{name}.html").write_text(text)
    write_index(tmp_path)
    return {
        "members": tmp_path / "traits" / "members.html",
        "seeds": write_seeds(summarise_seeds("traits", [one, two], [1, 2]), tmp_path / "traits"),
        # It gives the run stages, which members of a fleet over seeds would all have.
        "report": write_whole_report(one),
        "index": tmp_path / "index.html",
        **{name: tmp_path / f"{name}.html" for name in written},
    }


def write_whole_report(run: Run) -> Path:
    """A report with stages, curves, slices and a program."""
    folder = run.folder / "eval"
    (run.folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in CURVE))
    (run.folder / "axolotl.yaml").write_text("load_best_model_at_end: true\n")
    (folder / "use.py").write_text("print('a program')\n")
    report = ReportInput.read(run.folder, folder)
    section = summarise_section("sft", {"sft": folder, "dpo": folder}, {"sft": report.summary, "dpo": report.summary})
    (folder / FILE).write_text(StageSummary(sections=(section,)).model_dump_json())
    write_report(folder / "report.html", ReportInput.read(run.folder, folder))
    return folder / "report.html"


def write_people() -> dict[str, str]:
    """A form for people, and the results of such forms."""
    questions = [
        Question(name, name, ({"role": "user", "content": "find shoes"},), {"base": "no", "tuned": "red shoes"})
        for name in "abcd"
    ]
    key = draw_study(questions, ("base", "tuned"), ("robot",), 4, 2, 42)
    rated: dict[str, Any] = {
        "base": {"quality": 2, "fluency": 4, "satisfaction": 2},
        "tuned": {"quality": 4, "fluency": 5, "satisfaction": 3},
    }
    said = tuple(
        Judgement(evaluator, item.conversation, rated, "tuned")
        for evaluator, sheet in enumerate(key.sheets, 1)
        for item in sheet
    )
    form = render_forms(key, {question.id: question for question in questions})[0]
    return {"form": form, "results": human.render(sum_up(Returned(key, (1, 2), said)))}


@pytest.mark.parametrize("sight", SIGHTS)
def test_axe_finds_nothing_serious_and_no_page_is_wider_than_its_window(
    pages: dict[str, Path], open_tab: OPEN, sight: str
) -> None:
    width, dark = SIGHTS[sight]
    found = {}
    for name, path in pages.items():
        tab = open_tab(path, width, dark)
        tab.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        if name == "report":
            tab.locator("#answers").scroll_into_view_if_needed()
            tab.locator("#answers article").first.wait_for()
        faults = [
            f"{fault['impact']}: {fault['id']}: {fault['nodes'][0]['html']}"
            for fault in Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append("wider than the window")
        found[name] = faults
    assert found == {name: [] for name in pages}


A4 = 688  # CSS pixels between the margins of a sheet
LONG = "a_value_of_one_long_word_" * 5
BEYOND = """(width) => [...document.querySelectorAll("main :is(table, th, td, p, pre, dd, .row)")].filter(
    (one) => one.checkVisibility() && one.getBoundingClientRect().right > width + 1).map((one) => one.textContent)"""


BROKEN = """() => [...document.querySelectorAll("main table:not(.texts) td")].filter((one) => {
    const text = document.createRange();
    text.selectNodeContents(one);
    return !/\\s/.test(one.textContent.trim()) && new Set([...text.getClientRects()].map((line) => line.top)).size > 1;
}).map((one) => one.textContent)"""


@pytest.fixture
def wide_pages(tmp_path: Path, make_run: Callable[..., Run]) -> dict[str, Path]:
    """A report with 29 figures and slices of long names, and settings that differ in 20 runs."""
    runs = [make_run(["right"] * at + ["no"] * (24 - at)) for at in range(20)]
    for run in runs:
        settings = f"lora: {{r: {run.name[-4:]}}}\nprofiles: {{small: {{{LONG}: {run.name}-{LONG}}}}}\n"
        (run.folder / "resolved.yaml").write_text(settings)
    (tmp_path / "compare.html").write_text(
        compare.render(compare.compare_runs(read_systems([run.name for run in runs], tmp_path)))
    )
    seeds = write_seeds(summarise_seeds("traits", runs[:2], [1, 2]), tmp_path)
    folder = runs[0].folder / "eval"
    lines = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    for at, line in enumerate(lines):
        line["meta"] = {"topic": f"{LONG}{at % 2}", "kind": f"{at % 3}"}
    (folder / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    metrics: dict[str, dict[str, Any]] = {"text": {}, "robot": {}, "toolformer": {}, "persona": {}}
    evaluate_predictions(folder / "predictions.jsonl", metrics, ["topic", "kind"], "text.exact", 42, folder)
    write_report(folder / "report.html", ReportInput.read(runs[0].folder, folder))
    return {"report": folder / "report.html", "compare": tmp_path / "compare.html", "seeds": seeds}


def test_nothing_runs_off_a_sheet_of_paper(wide_pages: dict[str, Path], open_tab: OPEN) -> None:
    found = {}
    for name, path in wide_pages.items():
        tab = open_tab(path, A4)
        tab.emulate_media(media="print")
        tab.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        found[name] = tab.evaluate(BEYOND, A4) + tab.evaluate(BROKEN)
    assert found == {"report": [], "compare": [], "seeds": []}


def test_a_long_name_leaves_room_for_the_columns_beside_it_on_a_phone(
    wide_pages: dict[str, Path], open_tab: OPEN
) -> None:
    for path in wide_pages.values():
        tab = open_tab(path, 390)
        tab.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        firsts = tab.locator(".scroll table:not(.stacked) tbody th:first-child")
        widths = firsts.evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
        assert max(widths, default=0) <= 390 / 2


def test_axe_sees_what_is_wrong_with_a_page(tmp_path: Path, open_tab: OPEN) -> None:
    (tmp_path / "bad.html").write_text(
        "<title>x</title><p style='color: #ccc; background: #fff'>pale</p><select></select>"
    )
    found = {fault["id"] for fault in Axe().run(open_tab(tmp_path / "bad.html")).response["violations"]}
    assert {"color-contrast", "html-has-lang", "select-name"} <= found
