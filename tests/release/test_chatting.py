"""Lines in, answers out: what a script reads, what the log holds."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.run.rundir import Run
from release.chatting import chat
from release.feedback import collect_feedback
from release.rated_chats import read_chats
from tests.release.asking import answer_by_evaluation

MakeTrained = Callable[..., Run]
SYSTEM = {"role": "system", "content": "You drive a robot."}


def test_a_script_gets_the_answers_alone_and_a_log_the_conversations(
    make_trained: MakeTrained, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, log = make_trained(), tmp_path / "logs" / "chats.jsonl"
    monkeypatch.setattr("sys.stdin", io.StringIO("stop\n\n/down\nTurn left.\n/new\nTurn left.\n/quit\nnever read\n"))
    assert chat(run.name, log=log, runs=tmp_path) == 0
    first = [SYSTEM, {"role": "user", "content": "stop"}]
    stop = answer_by_evaluation(run, tmp_path, first)
    longer = [*first, {"role": "assistant", "content": stop}, {"role": "user", "content": "Turn left."}]
    left = answer_by_evaluation(run, tmp_path, longer)
    alone = [SYSTEM, {"role": "user", "content": "Turn left."}]
    fresh = answer_by_evaluation(run, tmp_path, alone)
    assert capsys.readouterr().out == f"{stop}\n{left}\n{fresh}\n"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    rated = [{**message, "rating": "down"} if message["role"] == "assistant" else message for message in longer]
    assert [line["messages"] for line in lines] == [
        [*rated, {"role": "assistant", "content": left}],
        [*alone, {"role": "assistant", "content": fresh}],
    ]
    assert [(line["run"], line["model"], line["answers"]) for line in lines] == [
        (run.name, "tuned", 2), (run.name, "tuned", 1)
    ]  # fmt: skip


def test_a_turn_that_does_not_fit_is_one_line_and_the_conversation_goes_on(
    make_trained: MakeTrained, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    run, lines = make_trained(), iter(["stop " * 1_100, "stop"])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("release.chatting.read_lines", lambda: lines)
    assert chat(run.name, runs=tmp_path) == 0
    long, short = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tuned")]
    assert "the model reads 1,024 at most; /new begins another conversation" in long
    stop = answer_by_evaluation(run, tmp_path, [SYSTEM, {"role": "user", "content": "stop"}])
    assert short.startswith(f"tuned     {stop}")
    # A script cannot begin another one.
    monkeypatch.setattr("sys.stdin", io.StringIO("stop " * 1_100))
    monkeypatch.setattr("release.chatting.read_lines", lambda: iter(["stop " * 1_100]))
    with pytest.raises(UserError, match=r"and the model reads 1,024 at most$"):
        chat(run.name, runs=tmp_path)


def test_a_log_that_cannot_be_written_is_refused_before_anything_is_said(
    make_trained: MakeTrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("stop\n"))
    with pytest.raises(IsADirectoryError):
        chat(make_trained().name, log=tmp_path, runs=tmp_path)
    assert sys.stdin.read() == "stop\n"


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("/up\n", "/up: ratings are kept in a log: LOG=chats.jsonl"),
        ("stop\n/new\n/down\n", "/down: there is no answer to rate yet"),
    ],
)
def test_a_rating_that_nothing_would_keep_is_one_line(
    lines: str, line: str, make_trained: MakeTrained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    with pytest.raises(UserError) as caught:
        chat(make_trained().name, log=tmp_path / "chats.jsonl" if "new" in lines else None, runs=tmp_path)
    assert str(caught.value) == line


def test_the_base_answers_beside_it_and_the_better_answer_becomes_a_pair(
    make_trained: MakeTrained, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, log = make_trained(), tmp_path / "chats.jsonl"
    monkeypatch.setattr("sys.stdin", io.StringIO("What do you see?\n/up\n"))
    chat(run.name, base=True, system="", log=log, runs=tmp_path)
    printed = capsys.readouterr().out
    assert printed.startswith("base      ") and "\ntuned     " in printed
    base, tuned = ((answer.text, answer.score) for chat in read_chats(log) for answer in chat.answers)
    assert (base[1], tuned[1]) == (0.0, 1.0) and base[0] != tuned[0]
    (pair,) = collect_feedback(read_chats(log)).pairs
    assert (pair["chosen"], pair["rejected"]) == (tuned[0], base[0])
