"""The page of all runs: newest first, each with its report or its folder, and the pages over several runs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.run.index_page import write_index
from recipebook.run.rundir import Run


def test_runs_lead_to_their_reports_or_folders(start_run: Callable[..., Run], tmp_path: Path) -> None:
    plain, evaluated = start_run(recipe="<i>x"), start_run(recipe="robot", hour=13)
    (evaluated.folder / "eval").mkdir()
    (evaluated.folder / "eval" / "report.html").touch()
    (tmp_path / "leaderboard.html").touch()
    (tmp_path / "traits").mkdir()
    (tmp_path / "traits" / "members.html").touch()
    write_index(tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "<i>x" not in page and "&lt;i&gt;x-20261120-120005" in page
    assert re.findall('href="([^"]*)"', page) == [
        "leaderboard.html",
        "traits/members.html",
        f"{evaluated.name}/eval/report.html",
        "%3Ci%3Ex-20261120-120005/",
    ]
    assert plain.name == "<i>x-20261120-120005"


def test_a_comparison_is_named_by_the_runs_that_it_compares(start_run: Callable[..., Run], tmp_path: Path) -> None:
    start_run(recipe="robot")
    (tmp_path / "compare-8c0f6c40b47843c5.html").write_text("<title>Comparison of a &amp; b</title>")
    (tmp_path / "compare-9.html").touch()
    write_index(tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert re.findall('<li><a href="([^"]*)">([^<]*)</a>', page) == [
        ("compare-8c0f6c40b47843c5.html", "Comparison of a &amp; b"),
        ("compare-9.html", "compare-9"),
    ]


def test_without_runs_there_is_no_page(tmp_path: Path) -> None:
    write_index(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_finds_no_room_is_one_line_and_the_command_goes_on(
    start_run: Callable[..., Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_run(recipe="robot")
    (tmp_path / "index.html").mkdir()
    write_index(tmp_path)
    said = capsys.readouterr().out
    assert said.startswith("page      ")
    assert "index.html: cannot be written: " in said
    assert said.count("\n") == 1
