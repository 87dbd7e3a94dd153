"""Episodes that a model plays in real boxes: which tokens are its own, and what comes of them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoTokenizer

from recipebook.playing.dialogue_ids import find_end, find_turn, open_ids
from recipebook.playing.play import play
from recipebook.project import PROJECT
from recipebook.recipe.evaluation_keys import Generation
from recipebook.shell.episodes import Episodes
from recipebook.shell.tasks import Task
from tests.recipebook.shell.boxes import needs_boxes

BASE = PROJECT / "models" / "tiny-base"
TASK = Task(number=7, instruction="Make the empty file /srv/a.", init="mkdir -p /srv", check="[ -f /srv/a ]")
MAKE = "I make it.\n\nAct: bash\n```bash\ntouch /srv/a\n```"
LOOK = "I look.\n\nAct: bash\n```bash\nls /srv\n```"
FINISH = "It is done.\n\nAct: finish"


@pytest.fixture
def tokenizer() -> Any:
    found = AutoTokenizer.from_pretrained(BASE)
    found.chat_template = (Path(PROJECT) / "templates" / "chat" / "chatml.jinja").read_text()
    return found


class Reciting(torch.nn.Module):
    """A model that says the same texts each time, one after the other, whatever it reads."""

    device = torch.device("cpu")
    config = AutoConfig.from_pretrained(BASE)

    def __init__(self, tokenizer: Any, *texts: str) -> None:
        super().__init__()
        end = find_end(tokenizer)
        self.ids = [token for text in texts for token in [*tokenizer(text)["input_ids"], end]]
        self.at = 0

    def forward(self, **inputs: Any) -> Any:
        logits = torch.zeros(len(inputs["input_ids"]), 1, self.config.vocab_size)
        logits[:, :, self.ids[self.at]] = 1
        self.at += 1
        return type("Output", (), {"logits": logits})


def test_a_turn_is_what_the_template_writes_between_two_answers(tokenizer: Any) -> None:
    text = tokenizer.decode(find_turn(tokenizer, "The output of the OS is empty."))
    assert text == "\n<|im_start|>user\nThe output of the OS is empty.<|im_end|>\n<|im_start|>assistant\n"


def test_the_dialogue_opens_with_the_prompt_for_an_answer(tokenizer: Any) -> None:
    text = tokenizer.decode(open_ids(tokenizer, [{"role": "user", "content": "Make /srv/a."}]))
    assert text == "<|im_start|>user\nMake /srv/a.<|im_end|>\n<|im_start|>assistant\n"


@needs_boxes
def test_the_models_own_tokens_are_its_answers_to_the_id_and_the_box_wrote_the_rest(tokenizer: Any) -> None:
    model = Reciting(tokenizer, LOOK, MAKE, FINISH)
    (found,) = play(model, tokenizer, [TASK], Episodes(seconds=5), Generation(max_new_tokens=64), limit=1000)
    own = [token for token, mine in zip(found.ids, found.own, strict=True) if mine]
    others = [token for token, mine in zip(found.ids, found.own, strict=True) if not mine]
    assert own == model.ids
    empty = find_turn(tokenizer, "The output of the OS is empty.")
    assert others == empty + empty
    assert (found.outcome, found.status, found.rounds) == ("correct", "completed", 3)
    assert (found.answers, found.cut) == ([LOOK, MAKE, FINISH], False)


@needs_boxes
def test_an_answer_that_is_cut_is_no_action_and_incorrect(tokenizer: Any) -> None:
    model = Reciting(tokenizer, MAKE)
    (found,) = play(model, tokenizer, [TASK], Episodes(seconds=5), Generation(max_new_tokens=5), limit=1000)
    assert (found.outcome, found.status, sum(found.own)) == ("incorrect", "agent_validation_failed", 5)
    assert found.cut


@needs_boxes
def test_a_dialogue_that_is_too_long_ends_before_its_next_answer(tokenizer: Any) -> None:
    model = Reciting(tokenizer, MAKE, FINISH)
    (found,) = play(model, tokenizer, [TASK], Episodes(seconds=5), Generation(max_new_tokens=64), limit=100)
    assert (found.outcome, found.rounds, found.ids) == ("correct", 1, model.ids[: len(found.ids)])


@needs_boxes
def test_an_output_that_leaves_no_room_for_an_answer_is_not_read(tokenizer: Any) -> None:
    model = Reciting(tokenizer, "I count.\n\nAct: bash\n```bash\nseq 1 300\n```", FINISH)
    (found,) = play(model, tokenizer, [TASK], Episodes(seconds=5), Generation(max_new_tokens=64), limit=250)
    assert (found.rounds, sum(found.own), found.cut) == (1, len(found.ids), True)
    assert found.ids == model.ids[: len(found.ids)]
    assert len(find_turn(tokenizer, found.outputs[0])) > 100
