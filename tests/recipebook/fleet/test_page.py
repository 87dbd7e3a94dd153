"""The table of a fleet as a page: text that is never markup, links to runs and reports, figures as they are now."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.fleet.page import refresh_page, write_page
from recipebook.fleet.table import Line

JOY = Line("joy", "trained", "1.2214", "", "7 s", "24", "good", "traits/joy-20261121-093000")
ELSEWHERE = Line("calm", "trained", "1.3001", "", "9 s", "24", "good", "trait-20261120-090000")
FAILED = Line("<script>alert(1)</script>", "failed", "", "", "", "24", 'ValueError: <b> & "quotes"')
LEFT_OUT = Line("few", "left out", "", "", "", "3", "3 train rows, and matrix.min_rows is 5")


def evaluate(run: str, runs: Path, mean: float) -> None:
    """Leave what an evaluation leaves."""
    results = [{"figure": "exact", "tuned": {"mean": mean}, "base": {"mean": 0.25}}]
    (runs / run / "eval").mkdir(parents=True, exist_ok=True)
    (runs / run / "eval" / "summary.json").write_text(json.dumps({"results": results}))
    (runs / run / "eval" / "report.html").touch()


def write(runs: Path, lines: Sequence[Line], fleet: str = "traits") -> str:
    """The page of a fleet in `runs/traits`."""
    write_page("traits", fleet, lines, runs)
    return (runs / "traits" / "members.html").read_text()


def read_links(page: str) -> list[str]:
    return re.findall('href="([^"]*)"', page)


def test_what_a_run_says_is_text_in_the_page(tmp_path: Path) -> None:
    page = write(tmp_path, [FAILED], "tra<i>ts")
    assert "<title>fleet tra&lt;i&gt;ts</title>" in page
    assert ">&lt;script&gt;alert(1)&lt;/script&gt;</th>" in page
    assert "ValueError: &lt;b&gt; &amp; &#34;quotes&#34;" in page
    assert "<script" not in page and "<b>" not in page


def test_the_page_loads_nothing_and_follows_the_readers_colours(tmp_path: Path) -> None:
    page = write(tmp_path, [JOY])
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page
    assert "prefers-color-scheme: dark" in page


def test_who_is_not_trained_is_marked(tmp_path: Path) -> None:
    page = write(tmp_path, [JOY, FAILED, LEFT_OUT])
    assert page.count("class=failed>") == 2
    assert "3 members, 1 trained" in page


def test_a_member_links_to_its_run_and_its_figure_to_the_report(tmp_path: Path) -> None:
    page = write(tmp_path, [JOY, ELSEWHERE, FAILED])
    assert read_links(page) == ["../traits/joy-20261121-093000/", "../trait-20261120-090000/"]
    evaluate(JOY.run, tmp_path, 0.5)
    evaluate(ELSEWHERE.run, tmp_path, 0.75)
    evaluate("traits/vote", tmp_path, 1)
    refresh_page("traits", tmp_path)
    page = (tmp_path / "traits" / "members.html").read_text()
    assert read_links(page) == [
        "vote/eval/report.html",
        "../traits/joy-20261121-093000/",
        "../traits/joy-20261121-093000/eval/report.html",
        "../trait-20261120-090000/",
        "../trait-20261120-090000/eval/report.html",
    ]
    assert "exact: 0.500 (0.250)" in page and "exact: 0.750 (0.250)" in page


def test_a_fleet_without_a_table_gets_no_page(tmp_path: Path) -> None:
    refresh_page("traits", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_table_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "traits").mkdir()
    (tmp_path / "traits" / "table.json").write_text('{"fleet": "traits", "lines": [["joy"]]}')
    with pytest.raises(UserError, match=r"traits/table\.json: lines\.0"):
        refresh_page("traits", tmp_path)
