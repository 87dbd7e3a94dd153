"""All answers in one page: packed whole or cut to fit, and found, filtered and sorted in a real browser."""

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from eval.report.answers import pack_answers, read_table
from eval.report.page import ReportInput, write_report
from eval.scoring.score import evaluate_predictions
from eval.scoring.summary import Summary

EVIL = "</template><script>window.evil = 1</script>"
ROWS = 45


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every third answer is wrong, the base has the first ten right, and one answer is evil."""
    lines = [
        {
            "id": f"x#{row}", "prompt": f"say {row}", "reference": f"word {row}",
            "prediction": EVIL if row == 0 else "no" if row % 3 == 0 else f"word {row}",
            "baseline": f"word {row}" if row < 10 else "",
            "meta": {"kind": "long" if row % 2 else EVIL},
        }
        for row in range(ROWS)
    ]  # fmt: skip
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    evaluate_predictions(tmp_path / "predictions.jsonl", {"text": {}}, ["kind"], "exact", 42, tmp_path)
    return tmp_path


def unpack(pack: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(pack)))


def test_packs_hold_slices_figures_and_texts(folder: Path) -> None:
    summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    packed = pack_answers(folder, read_table(folder, summary), summary, {2})
    assert packed.contents["fields"] == ["kind"]
    assert [figure["name"] for figure in packed.contents["figures"]] == [
        "exact", "pred_length", "ref_length", "length_ratio",
    ]  # fmt: skip
    assert unpack(packed.packs[0]) == [[EVIL, "long"], [0, 1] * 22 + [0]]
    assert unpack(packed.packs[1]) == [[0, 1, 1] * 15, [1] * 10 + [0] * 35]
    texts = unpack(packed.packs[5])
    assert len(packed.packs) == 6 and len(texts) == ROWS
    assert texts[2] == [
        "x#2", "say 2", "word 2", "word 2", "word 2", False, False, [1.0, 2.0, 2.0, 1.0], [1.0, 2.0, 2.0, 1.0],
    ]  # fmt: skip
    assert packed.kept[2].prediction.id == "x#2"


def test_texts_are_cut_shorter_where_all_together_are_too_large(folder: Path) -> None:
    summary = Summary.model_validate_json((folder / "summary.json").read_bytes())
    table = read_table(folder, summary)
    whole = pack_answers(folder, table, summary, set())
    assert whole.contents["shown_chars"] == 2000
    size = sum(map(len, whole.packs))
    # The evil answer is the only one that is longer than 40 signs: cut to 60 it stays, so nothing fits.
    none = pack_answers(folder, table, summary, {7}, budget=size - 1)
    assert (none.contents["shown_chars"], none.contents["rows"], none.contents["of"]) == (60, 0, ROWS)
    assert none.kept[7].prediction.id == "x#7"


def test_any_answer_is_found_in_a_browser_and_stays_text(folder: Path, open_tab: Callable[..., Page]) -> None:
    tab = open_tab(write_page(folder))
    assert tab.locator("#answers article").count() == 0
    tab.locator("#answers").scroll_into_view_if_needed()
    status = tab.locator("#answers [role=status]")
    wait_for(tab, "45 of 45 answers, 1 to 20 shown")
    tab.get_by_role("button", name="Next").click()
    wait_for(tab, "45 of 45 answers, 21 to 40 shown")
    tab.get_by_label("result").select_option("wrong")
    wait_for(tab, "15 of 45 answers, 1 to 15 shown")
    tab.get_by_label("kind", exact=True).select_option(label="long")
    wait_for(tab, "7 of 45 answers, 1 to 7 shown")
    tab.get_by_label("result").select_option("worse")
    wait_for(tab, "2 of 45 answers, 1 to 2 shown")
    assert tab.locator("#answers article .prompt").all_inner_texts() == ["say 3", "say 9"]
    tab.get_by_label("kind", exact=True).select_option("")
    tab.get_by_label("result").select_option("all")
    tab.get_by_label("order").select_option("worst")
    tab.get_by_label("search").fill("SAY 1")
    wait_for(tab, "11 of 45 answers, 1 to 11 shown")
    assert tab.locator("#answers article .prompt").all_inner_texts()[:4] == ["say 12", "say 15", "say 18", "say 1"]
    tab.get_by_label("search").fill("nothing has this")
    wait_for(tab, "0 of 45 answers")
    tab.get_by_label("search").fill("window.evil")
    wait_for(tab, "1 of 45 answers, 1 to 1 shown")
    assert EVIL in tab.locator("#answers article").inner_text()
    assert tab.evaluate("window.evil") is None
    assert status.count() == 1


def test_what_is_undefined_for_the_base_is_no_gain(tmp_path: Path, open_tab: Callable[..., Page]) -> None:
    right = "robot.move_forward(distance=1)"
    # A call without arguments has no precision of arguments; a wrong one has 0.
    bases = {"silent": "robot.stop()", "wrong": "robot.move_forward(distance=2)", "right": right}
    lines = [
        {"id": name, "prompt": name, "reference": right, "prediction": right, "baseline": base}
        for name, base in bases.items()
    ]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    evaluate_predictions(tmp_path / "predictions.jsonl", {"robot": {}}, [], "exact", 42, tmp_path)
    tab = open_tab(write_page(tmp_path))
    tab.locator("#answers").scroll_into_view_if_needed()
    wait_for(tab, "3 of 3 answers, 1 to 3 shown")
    prompts = tab.locator("#answers article .prompt")
    tab.get_by_label("figure").select_option(label="argument_precision")
    for order, first in (("gained", ["wrong", "right", "silent"]), ("lost", ["right", "wrong", "silent"])):
        tab.get_by_label("order").select_option(order)
        tab.wait_for_function(
            "first => document.querySelector('#answers article .prompt').textContent === first", arg=first[0]
        )
        assert prompts.all_inner_texts() == first


def wait_for(tab: Page, said: str) -> None:
    tab.wait_for_function("said => document.querySelector('#answers [role=status]').textContent === said", arg=said)


def write_page(folder: Path) -> Path:
    """The report of a run that has nothing but its answers."""
    run = folder / "run"
    run.mkdir()
    (run / "metrics.jsonl").touch()
    (run / "axolotl.yaml").write_text("{}\n")
    (run / "recipe.yaml").write_text("description: d\n")
    manifest: dict[str, Any] = {"run": "r", "recipe": "r", "profile": None, "rows": {}, "account": {}}
    (run / "manifest.json").write_text(json.dumps(manifest))
    write_report(folder / "report.html", ReportInput.read(run, folder))
    return folder / "report.html"
