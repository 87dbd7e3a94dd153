"""A report leads to the pages that there are, from the place where it will stand."""

from pathlib import Path

from eval.report.links import list_links


def test_only_pages_that_there_are_are_named(tmp_path: Path) -> None:
    run = tmp_path / "traits" / "joy plus-20261121-093000"
    (run / "eval" / "validation").mkdir(parents=True)
    assert list_links(run, run / "eval", tmp_path) == []
    (tmp_path / "index.html").touch()
    (tmp_path / "traits" / "members.html").touch()
    assert list_links(run, run / "eval" / "validation", tmp_path) == [
        ("All runs", "../../../../index.html"),
        ("Members of traits", "../../../members.html"),
    ]
