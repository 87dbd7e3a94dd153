"""The evaluated model plays held-out shell tasks, and a prediction's answer is the transcript of its episode."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from eval.asking.episodes import format_transcript, play_tasks
from eval.asking.prompts import Prompt
from eval.metrics.shell import Options
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.evaluation_keys import Generation
from tests.recipebook.playing.test_play import BASE, FINISH, LOOK, MAKE, TASK, Reciting
from tests.recipebook.shell.boxes import needs_boxes


@pytest.fixture
def tokenizer() -> Any:
    found = AutoTokenizer.from_pretrained(BASE)
    found.chat_template = (Path(PROJECT) / "templates" / "chat" / "chatml.jinja").read_text()
    return found


def make_prompt(**meta: Any) -> Prompt:
    return Prompt("shell_tasks.json#7", (), (), {"role": "assistant", "content": ""}, None, meta)


@needs_boxes
def test_an_episode_is_measured_and_its_transcript_is_the_answer(tokenizer: Any) -> None:
    model = Reciting(tokenizer, MAKE, LOOK, FINISH)
    prompt = make_prompt(task=TASK.model_dump_json())
    (answer,) = play_tasks(model, tokenizer, [prompt], Options(seconds=5), Generation(max_new_tokens=64), "tuned")
    assert answer.measures == {"correct": 1.0, "rounds": 3.0, "invalid": 0.0}
    empty, listed = "> The output of the OS is empty.", "> The output of the OS:\n> \n> a"
    assert answer.text == "\n\n".join([MAKE, empty, LOOK, listed, FINISH])


@needs_boxes
def test_an_episode_that_says_it_is_done_too_early_is_incorrect(tokenizer: Any) -> None:
    prompt = make_prompt(task=TASK.model_dump_json())
    (answer,) = play_tasks(
        Reciting(tokenizer, FINISH), tokenizer, [prompt], Options(seconds=5), Generation(max_new_tokens=64), "base"
    )
    assert answer.measures == {"correct": 0.0, "rounds": 1.0, "invalid": 0.0}
    assert not answer.truncated


@needs_boxes
def test_an_episode_whose_answer_was_cut_off_counts_among_those(tokenizer: Any) -> None:
    prompt, settings = make_prompt(task=TASK.model_dump_json()), Generation(max_new_tokens=5)
    (answer,) = play_tasks(Reciting(tokenizer, MAKE), tokenizer, [prompt], Options(seconds=5), settings, "tuned")
    assert answer.truncated


def test_a_row_that_is_no_task_is_refused_with_the_converter_that_makes_them(tokenizer: Any) -> None:
    with pytest.raises(UserError, match=r"shell_tasks\.json#7 is no shell task.*shell_tasks makes such rows"):
        play_tasks(None, tokenizer, [make_prompt()], Options(), Generation(), "tuned")


def test_a_transcript_quotes_what_the_box_printed() -> None:
    assert format_transcript(["ls", "done"], ["a\nb"]) == "ls\n\n> a\n> b\n\ndone"
