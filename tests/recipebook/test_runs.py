"""The table of runs: a line each, whatever state a run's files are in."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from recipebook import rundir, runs
from recipebook.hardware import Hardware
from recipebook.rundir import Manifest, Run

NOON = datetime(2026, 11, 20, 12, 0, 5)


def make_run(folder: Path, hour: int, summary: str | None = None) -> Run:
    now = NOON.replace(hour=hour)
    run = rundir.create("robot", now, folder)
    (run.folder / "recipe.yaml").write_text("description: d\n")
    os.utime(run.folder / "recipe.yaml", (now.timestamp(), now.timestamp()))
    run.write(
        Manifest(
            run=run.name, recipe="robot", status="trained", identity="i", created="2026-11-20T12:00:05", profile=None,
            overrides=(), git={}, versions={}, hashes={}, account={}, rows={},
            hardware=Hardware(gpus=(), cpu="c", cores=2, memory_gib=8), command=(), environment={},
        )
    )  # fmt: skip
    if summary is not None:
        (run.folder / "eval").mkdir()
        (run.folder / "eval" / "summary.json").write_text(summary)
    return run


def test_a_broken_run_has_a_line_and_hides_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(tmp_path, 12)
    broken = make_run(tmp_path, 13)
    (broken.folder / "manifest.json").write_text("{}")
    half = make_run(tmp_path, 14, summary="{")
    runs.show_runs(tmp_path)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(line[0], line[1]) for line in lines[1:]] == [
        ("robot-20261120-140005", "unreadable"),
        ("robot-20261120-130005", "unreadable"),
        ("robot-20261120-120005", "trained"),
    ]
    assert lines[1][2:] == [f"{half.folder}/eval/summary.json", "is", "no", "summary", "of", "an", "evaluation"]
    assert lines[2][2:] == [f"{broken.folder}/manifest.json:", "run:", "Field", "required"]


@pytest.mark.parametrize(
    ("base", "shown"), [('{"mean": 0.25}', "exact: 0.500 (0.250)"), ('{"mean": null}', "exact: 0.500 (-)"),
                        ("null", "exact: 0.500")],
)  # fmt: skip
def test_the_main_figure_is_shown_with_or_without_a_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str, shown: str
) -> None:
    make_run(tmp_path, 12, f'{{"results": [{{"figure": "exact", "tuned": {{"mean": 0.5}}, "base": {base}}}]}}')
    runs.show_runs(tmp_path)
    assert capsys.readouterr().out.splitlines()[1].endswith(f"0 s   {shown}")


def test_without_runs_the_table_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.show_runs(tmp_path)
    assert capsys.readouterr().out == "no runs yet: make train RECIPE=robot-lora makes one\n"
