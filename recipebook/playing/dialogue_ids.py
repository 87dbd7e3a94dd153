r"""A dialogue as token ids, to which answers and observations are appended and never tokenised again.

    ids = open_ids(tokenizer, messages)                    # what the model reads before its first answer
    ids + [40, 41, 2] + find_turn(tokenizer, "The output of the OS is empty.")

Text that is tokenised again may be cut into other tokens where two turns meet. The model would then be trained on
tokens that it never wrote.
"""

from collections.abc import Sequence
from typing import Any, cast

from recipebook.errors import UserError
from recipebook.rows import Message
from recipebook.text import chat

_ASKED: list[Message] = [{"role": "user", "content": "question"}]
_ANSWER = "answer"


def open_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The messages, up to where the model's answer begins."""
    text = chat.render(tokenizer, messages, add_generation_prompt=True)
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])


def find_end(tokenizer: Any) -> int:
    """The token that ends an answer."""
    end = chat.find_end_token(tokenizer)
    if end is None:
        raise UserError(
            "the chat template ends an answer with text, not with a special token: no episode can be played"
        )
    return end


def find_turn(tokenizer: Any, observation: str) -> list[int]:
    """What stands between the token that ends an answer and the next answer: the user's turn with `observation`."""
    end = str(tokenizer.decode([find_end(tokenizer)]))
    answered: list[Message] = [*_ASKED, {"role": "assistant", "content": _ANSWER}]
    going_on: list[Message] = [*answered, {"role": "user", "content": observation}]
    before = chat.render(tokenizer, _ASKED, add_generation_prompt=True) + _ANSWER + end
    text = chat.render(tokenizer, going_on, add_generation_prompt=True)
    if not text.startswith(before):
        raise UserError(
            "the chat template writes an answer in another way once it is followed: no episode can be played"
        )
    return cast(list[int], tokenizer(text[len(before) :], add_special_tokens=False)["input_ids"])
