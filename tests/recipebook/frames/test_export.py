"""`export-table`: where a table goes, in which form, and what is refused in one line."""

import io
from pathlib import Path

import pandas as pd
import pytest

from commands import export_table, main
from recipebook import project
from recipebook.frames import SCHEMAS
from recipebook.frames.export import OF_A_RUN
from recipebook.frames.files import FORMATS
from recipebook.run import rundir
from tests.recipebook.frames.making import CONDITIONS, answer, evaluate, write_lines, write_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An evaluated run and an evaluated member of a fleet, in place of the project's runs."""
    monkeypatch.setattr(project, "RUNS", tmp_path / "runs")
    run = write_run(tmp_path / "runs", "robot-1")
    write_lines(run.folder / "metrics.jsonl", [{"step": 1, "loss": 0.5}])
    evaluate(run, [answer(1, "- right"), answer(2, "right")])
    member = write_run(tmp_path / "runs", "joy-1", "traits", member="joy", recipe="traits")
    evaluate(member, [answer(1, "right")], conditions={**CONDITIONS, "test set": "t2"})
    return tmp_path / "runs"


def test_the_commands_words_are_those_of_the_tables_and_forms() -> None:
    assert {*export_table.TABLES} == {*SCHEMAS}
    assert {*export_table.OF_A_RUN} == {*OF_A_RUN}
    assert {*export_table.FORMATS} == {*FORMATS}


@pytest.mark.parametrize(
    ("words", "name", "rows"),
    [
        (["robot"], "robot.predictions.csv", 2),
        (["runs/robot-1/", "--table", "scores"], "robot-1.scores.csv", 2 * 2 * 4),
        (["traits/joy-1", "--table", "losses"], "traits-joy-1.losses.csv", 0),
        (["traits"], "traits.predictions.csv", 1),
        (["robot-1", "--format", "parquet"], "robot-1.predictions.parquet", 2),
        (["--table", "leaderboard"], "leaderboard.csv", 2),
        (["--table", "leaderboard", "--recipe", "traits"], "traits.leaderboard.csv", 1),
        (["--table", "runs"], "runs.csv", 2),
    ],
)
def test_a_table_goes_below_the_runs(
    runs: Path, capsys: pytest.CaptureFixture[str], words: list[str], name: str, rows: int
) -> None:
    assert main(["export-table", *words]) == 0
    (path,) = (runs / "tables").iterdir()
    assert path.name == name
    content = io.BytesIO(path.read_bytes())
    frame = pd.read_csv(content) if path.suffix == ".csv" else pd.read_parquet(content)
    assert len(frame) == rows
    line = capsys.readouterr().out.splitlines()[0]
    assert line == f"written   {path}: {rows} rows, {len(frame.columns)} columns"
    # A folder of tables is no run.
    assert {run.name for run in rundir.list_runs(runs)} == {"traits/joy-1", "robot-1"}


def test_the_ending_of_the_file_names_the_form(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.PARQUET"
    assert main(["export-table", "robot", "--out", str(out)]) == 0
    assert pd.read_parquet(io.BytesIO(out.read_bytes()))["prediction"].tolist() == ["- right", "right"]
    bare = tmp_path / "bare"
    assert main(["export-table", "robot", "--out", str(bare)]) == 0
    assert bare.read_text().startswith("run,member,evaluation,id,")
    assert capsys.readouterr().out.splitlines()[-1] == (
        "note      1 cell begins as a formula does (=, +, -, @) and got an apostrophe in front, so that no spreadsheet "
        "runs it; FORMAT=parquet has the text as it is"
    )


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "the table 'predictions' is of one run, recipe or fleet: make export-table RUN=robot-lora"),
        (["robot", "--recipe", "robot"], "the table 'predictions' is of one run, recipe or fleet: make export-table "),
        (["robot", "--table", "runs"], "the table 'runs' is of all runs; it takes no RUN="),
        (["robot", "--table", "leaderboard"], "the table 'leaderboard' is of all runs; RECIPE=robot-lora chooses the"),
        (["--recipe", "robot", "--table", "runs"], "the table 'runs' is of all runs; it takes no RECIPE="),
        (["robto"], "no run 'robto' in runs/; it has runs of: robot, traits"),
        (["robot", "--out", "a.xls"], "a.xls: '.xls' is the ending of no form; FORMAT= is one of csv, parquet, xlsx"),
        (
            ["robot", "--format", "csv", "--out", "a.xlsx"],
            "a.xlsx: its ending says xlsx, and FORMAT=csv: leave out one of the two",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert main(["export-table", *words]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(line)
    assert not (runs / "tables").exists()
