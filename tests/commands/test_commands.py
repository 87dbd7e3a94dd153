"""The commands from outside: what they print, their exit status, what they import."""

import argparse
import json
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from commands import list_files, main, read_help, runs

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "axolotl", "datasets", "scipy", "numpy", "pandas")


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "recipebook", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words", [["check"], ["runs"], ["--help"], ["words", "recipes"], ["words", "forms"], ["export-table", "--help"]]
)
def test_light_commands_import_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from commands import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        f"print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def run_without(library: str, words: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    code = f"import sys; sys.modules[{library!r}] = None; from commands import main; sys.exit(main({words!r}))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)


def test_a_library_that_the_light_environment_lacks_is_one_line(tmp_path: Path) -> None:
    done = run_without("scipy", ["human-eval-results", "robot-lora"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "this command needs the library 'scipy', which make setup installs\n"
    assert list(tmp_path.iterdir()) == []


INTERRUPT = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.2)\n"


def run_in(folder: Path, words: list[str], paths: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "recipebook", *words]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
        # A shell lets what it starts in the background ignore Ctrl-C, these tests too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def test_ctrl_c_before_a_command_is_known_ends_it_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "argparse.py").write_text(INTERRUPT)
    done = run_in(ROOT, ["check"], f"{tmp_path}:{ROOT}")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_in_an_import_stops_the_command_once_the_module_is_whole(tmp_path: Path) -> None:
    # As libraries in Rust do, which import from within: they make a panic of a KeyboardInterrupt.
    panic = "try:\n    " + INTERRUPT.replace("\n", "\n    ") + "\nexcept KeyboardInterrupt:\n    raise BaseException\n"
    whole = "from converters.robot import Options, convert\nprint('whole', flush=True)\n"
    for folder in ("recipes", "runs", "converters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "recipes" / "own.yaml").write_text("extends: robot-lora\ndata: {converter: own}\n")
    (tmp_path / "converters" / "own.py").write_text(panic + whole)
    done = run_in(tmp_path, ["check"], str(ROOT))
    assert (done.returncode, done.stdout, done.stderr) == (130, "whole\n", "stopped\n")


def test_characters_that_the_terminal_lacks_are_written_by_their_numbers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "recipebook", "init", "prüfung"]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"wrote     {tmp_path}/pr\\xfcfung/Makefile\n")


def test_answers_are_scored_without_scipy(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('{"prediction": "robot.stop()", "reference": "robot.stop()"}\n')
    words = ["score", "--metric", "robot", "--in", "answers.jsonl", "--out", "scores.jsonl"]
    done = run_without("scipy", words, tmp_path)
    exact = json.loads(done.stdout.splitlines()[-1])["figures"]["exact"]
    # Clopper and Pearson's of one in one: the share whose first is right 25 times in 1,000.
    assert (exact["mean"], round(exact["low"], 9), exact["high"]) == (1.0, 0.025, 1.0)


def test_convert_tells_its_account_on_the_last_line(tmp_path: Path) -> None:
    source = tmp_path / "two.jsonl"
    source.write_text('{"input": "stop", "output": "robot.stop()"}\n{"input": "halt"}\n')
    done = run("convert", "--converter", "robot", "--in", str(source), "--out", str(tmp_path / "rows.jsonl"),
               "--rejects", "50%")  # fmt: skip
    assert done.returncode == 0
    account = json.loads(done.stdout.splitlines()[-1])
    assert (account["records"], account["rows"]) == (2, 1)
    assert account["rejected"][0]["reason"] == "missing 'output'"
    assert json.loads((tmp_path / "rows.jsonl").read_text())["messages"][1]["content"] == "robot.stop()"


def test_a_path_with_a_line_break_is_named_on_one_line(tmp_path: Path) -> None:
    words = ["convert", "--in", str(tmp_path / "a\nb.jsonl"), "--out", str(tmp_path / "rows.jsonl")]
    done = run(*words)
    assert (done.returncode, done.stderr) == (2, f"{tmp_path}/a\\nb.jsonl: cannot be read: No such file or directory\n")


def test_convert_refuses_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "one.jsonl"
    source.write_text('{"input": "halt"}\n')
    done = run("convert", "--converter", "robot", "--in", str(source), "--out", str(tmp_path / "rows.jsonl"))
    assert done.returncode == 2
    assert done.stderr == (
        f"{source}:1: record 1: missing 'output' (1 of 1 records rejected, 0 allowed; raise --rejects to continue)\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["one.jsonl"]


def test_score_tells_its_aggregates_on_the_last_line(tmp_path: Path) -> None:
    source = tmp_path / "answers.jsonl"
    source.write_text('{"prediction": "robot.stop()", "reference": "robot.stop( )"}\n')
    done = run("score", "--metric", "robot", "--in", str(source), "--out", str(tmp_path / "scores.jsonl"))
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["figures"]["exact"]["mean"] == 1.0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "robto-lora"], "no recipe 'robto-lora' in recipes/; did you mean 'robot-lora'? it has: "),
        (["train", "robot-lora", "--profile", "tinny"],
         "no profile 'tinny' in recipes/profiles/; did you mean 'tiny'? it has: cpu, gpu, mps, multi-gpu, small"),
        (["convert", "--converter", "robt", "--in", "x", "--out", "y"],
         "no converter 'robt' in converters/; did you mean 'robot'? it has: chat, echo, gemini, glaive, helpsteer, "
         "oasst, persona, preference, ranked, rated, robot, sessions, shell_tasks, toolformer, tools, trait"),
        (["eval", "nothing-yet"], "no run 'nothing-yet' in runs/"),
    ],
)  # fmt: skip
def test_a_wrong_name_is_one_line_with_the_right_ones(words: list[str], line: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_the_list_has_each_command_with_its_line() -> None:
    files = list_files()
    assert {"train", "merge-adapters", "human-eval-results"} <= files.keys()
    for file in files.values():
        module = import_module(f"commands.{file.stem}")
        assert read_help(file) == module.HELP


@pytest.mark.parametrize("name", sorted(list_files()))
def test_each_option_of_a_command_is_explained_in_its_help(name: str) -> None:
    parser = argparse.ArgumentParser()
    import_module(f"commands.{list_files()[name].stem}").add_arguments(parser)
    silent = [action.option_strings or action.dest for action in parser._actions if not action.help]
    assert silent == []


def test_a_command_imports_no_other() -> None:
    code = (
        "import sys; from commands import main; main(['words', 'profiles'])\n"
        "print([name for name in sys.modules if name.startswith('commands.') and '._' not in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['commands.words']"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trian", "robot-lora"], "recipebook: no command 'trian'; did you mean 'train'?"),
        (["xyzzy"], "recipebook: no command 'xyzzy'; recipebook --help lists them"),
        (["train", "robot-lora", "--polfile", "x"], "recipebook train: unknown --polfile; did you mean '--profile'?"),
        (["plan", "robot-lora", "persona-unified"], "recipebook plan: unknown persona-unified"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest_there_is(words: list[str], line: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{line}\n")


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["score-sessions", ""], "SOURCE"),
        (["convert", "--in", "", "--out", "rows.jsonl"], "--in"),
        (["convert", "--in", "a.jsonl", "--out", ""], "--out"),
        (["init", ""], "folder"),
        (["train", "robot-lora", "--set", ""], "--set"),
    ],
)
def test_an_empty_word_is_not_the_folder_in_which_one_stands(words: list[str], place: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"recipebook {words[0]}: argument {place}: an empty word\n"


def test_an_option_is_never_taken_for_another_that_begins_alike() -> None:
    done = run("train", "robot-lora", "--seed=7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "recipebook train: unknown --seed; did you mean '--seeds'?\n"


def test_a_reader_that_goes_away_is_no_fault() -> None:
    script = f"set -o pipefail; {sys.executable} -m recipebook words recipes | true"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interrupted_command_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "run", interrupt)
    assert main(["runs"]) == 130
    assert capsys.readouterr().err == "stopped\n"


def refuse(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends with; its exit status is 2."""
    try:
        status: object = main(words)
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    assert (status, said.out, said.err.count("\n")) == (2, "", 1)
    return said.err.strip()


def test_what_the_system_refuses_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text('{"input": "stop", "output": "robot.stop()"}\n')
    (tmp_path / "folder").mkdir()
    convert = ["convert", "--converter", "robot", "--in", str(source), "--out"]
    assert refuse([*convert, str(tmp_path / "folder")], capsys).startswith(f"{tmp_path}/")
    assert refuse([*convert, str(tmp_path / ("x" * 300))], capsys).endswith("File name too long")
    assert "File name too long" in refuse(["eval", "x" * 300], capsys)
    assert refuse([*convert[:4], "x" * 300, "--out", "y"], capsys)
    assert refuse([*convert[:4], "a\udcff.jsonl", "--out", "y"], capsys)
    assert refuse(["compare", "a\udcff", "b"], capsys)
    assert refuse(["check", "x" * 300], capsys).startswith("no recipe 'xxx")
    assert refuse([*convert, str(tmp_path / "r"), "--rejects", "nan%"], capsys) == (
        "recipebook convert: argument --rejects: 'nan%' is neither a number of records nor a share such as 10%"
    )
    assert refuse(["train", "robot-lora", "--gpus", "two"], capsys) == (
        "recipebook train: argument --gpus: 'two' is not a whole number above 0, of nine digits at most"
    )
