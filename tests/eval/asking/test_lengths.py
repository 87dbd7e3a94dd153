"""An evaluation says which of its prompts are too long, and is refused where all are."""

from pathlib import Path
from typing import Any

import pytest

from eval.asking.generate import load_tokenizer
from eval.asking.lengths import describe_lengths, describe_longer
from eval.asking.prompts import Prompt
from recipebook.errors import UserError
from recipebook.recipe.resolve import resolve
from recipebook.rows import Message

TINY = Path(__file__).parents[3] / "models" / "tiny-base"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    loaded = load_tokenizer(TINY)
    loaded.chat_template = (TINY.parents[1] / "templates" / "chat" / "chatml.jinja").read_text()
    return loaded


def ask(words: int) -> Prompt:
    said: Message = {"role": "user", "content": "stop " * words}
    return Prompt(str(words), (said,), (), {"role": "assistant", "content": "ok"}, None, {})


def test_prompts_are_counted_by_the_tokens_that_the_model_reads(tokenizer: Any) -> None:
    recipe = resolve("robot-lora", "tiny").recipe
    recipe = recipe.model_copy(update={"eval": recipe.eval.model_copy(update={"metrics": {"text": {}}})})
    assert describe_lengths(tokenizer, [ask(1_100), ask(2)], recipe, 1_024) == [
        "1 of 2 prompts fill the 1,024 tokens that the base reads: their answers are empty",
        "1 of 2 prompts with their given answers are longer than training.max_length, 256 tokens: no trained row was",
    ]
    assert describe_longer(tokenizer, [ask(1_100), ask(2)], recipe, 1_024) == [
        "1 of 2 few_shot prompts fill the 1,024 tokens that the base reads: their answers are empty"
    ]
    assert describe_lengths(tokenizer, [ask(2)], recipe, 1_024) == []
    with pytest.raises(UserError, match=r"^no room for an answer: all 1 few_shot prompts fill the 1,024 tokens that"):
        describe_longer(tokenizer, [ask(1_100)], recipe, 1_024)
