"""The table of runs: a line each, whatever state a run's files are in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.run import table
from recipebook.run.rundir import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(start_run: MakeRun) -> MakeRun:
    """Runs of the hour given, evaluated if there is a summary."""

    def make(hour: int, summary: str | None = None) -> Run:
        run = start_run(hour)
        if summary is not None:
            (run.folder / "eval").mkdir()
            (run.folder / "eval" / "summary.json").write_text(summary)
        return run

    return make


def test_a_broken_run_has_a_line_and_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make_run: MakeRun
) -> None:
    make_run(12)
    broken = make_run(13)
    (broken.folder / "manifest.json").write_text("{}")
    half = make_run(14, summary="{")
    table.print_runs(tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[1]) for line in lines[1:]] == [
        ("robot-20261120-140005", "unreadable"),
        ("robot-20261120-130005", "unreadable"),
        ("robot-20261120-120005", "trained"),
    ]
    assert lines[1][2:] == [f"{half.folder}/eval/summary.json", "is", "no", "summary", "of", "an", "evaluation"]
    assert lines[2][2:] == [f"{broken.folder}/manifest.json:", "identity:", "Field", "required"]


@pytest.mark.parametrize(
    ("base", "shown"), [('{"mean": 0.25}', "exact: 0.500 (0.250)"), ('{"mean": null}', "exact: 0.500 (-)"),
                        ("null", "exact: 0.500")],
)  # fmt: skip
def test_the_main_figure_is_shown_with_or_without_a_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make_run: MakeRun, base: str, shown: str
) -> None:
    make_run(12, f'{{"results": [{{"figure": "exact", "tuned": {{"mean": 0.5}}, "base": {base}}}]}}')
    table.print_runs(tmp_path)
    assert capsys.readouterr().out.splitlines()[1].endswith(f"0 s   {shown}")


def test_without_runs_the_table_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table.print_runs(tmp_path)
    assert capsys.readouterr().out == "no runs yet: make train RECIPE=robot-lora makes one\n"
