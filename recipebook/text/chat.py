"""A chat as the model reads it: messages in, the text that the tokenizer's chat template makes of them out.

    messages [{"role": "user", "content": "stop"}], answer {"role": "assistant", "content": "robot.stop()"}
    → "<|im_start|>user\\nstop<|im_end|>\\n<|im_start|>assistant\\n" and "robot.stop()<|im_end|>"

Training on pairs and evaluation both use these functions, so that their texts are the same.
"""

from collections.abc import Sequence
from typing import Any

from recipebook.rows import Message


def format_prompt(tokenizer: Any, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> str:
    """The messages, up to where the assistant's answer begins."""
    return str(
        tokenizer.apply_chat_template(
            list(messages), tools=list(tools) or None, tokenize=False, add_generation_prompt=True
        )
    )


def format_answer(
    tokenizer: Any, messages: Sequence[Message], answer: Message, tools: Sequence[dict[str, Any]] = ()
) -> str:
    """The text that the template writes after the prompt for `answer`, the end of the turn included."""
    prompt = format_prompt(tokenizer, messages, tools)
    whole = str(tokenizer.apply_chat_template([*messages, answer], tools=list(tools) or None, tokenize=False))
    if not whole.startswith(prompt):
        raise ValueError("the chat template writes the prompt in another way once it is answered")
    return whole[len(prompt) :].rstrip()


def find_end_token(tokenizer: Any) -> int | None:
    """The special token that the template writes behind an answer; None where it writes text.

    It may be another than the tokenizer's `eos_token`: Llama 3's templates end a turn with `<|eot_id|>`, and its base
    model's tokenizer ends a text with `<|end_of_text|>`.
    """
    turn = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    behind = tokenizer.apply_chat_template(turn, tokenize=False).rpartition("answer")[2]
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    ids: list[int] = tokenizer(behind, add_special_tokens=False)["input_ids"]
    return next((token for token in ids if token in special), None)
