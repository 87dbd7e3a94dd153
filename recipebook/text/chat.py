"""A chat as the model reads it: messages in, the text that the tokenizer's chat template makes of them out.

    messages [{"role": "user", "content": "stop"}], answer {"role": "assistant", "content": "robot.stop()"}
    → "<|im_start|>user\\nstop<|im_end|>\\n<|im_start|>assistant\\n" and "robot.stop()<|im_end|>"

Axolotl writes the text of training on chats. It locates an answer in the whole chat by rendering it again with a
placeholder in the answer's place: the text that differs carries loss, and the text before it does not. The functions
here do the same, so that evaluation's prompt is the text before an answer as training writes it, whatever a template
writes there (Qwen3's writes `<think>\\n\\n</think>\\n\\n` before an answer without thoughts). What arguments of calls a
row keeps as JSON strings are objects for the template, as they are for Axolotl.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from recipebook.rows import Message

KEYS = ("role", "content", "reasoning_content", "tool_calls", "tool_call_id", "name")
"""The keys of a message that templates read; templates/sft.yaml.j2 names the same to Axolotl."""

# Axolotl's own. Their first characters differ, and so do their last, so that no answer has both.
PLACEHOLDERS = ("[[dummy_message]]", "zzdummymessagezz")
# Axolotl trains on the token that ends a turn if no more than three tokens stand before it.
NEAR = 3


class WrittenTurn(NamedTuple):
    """An answer as training writes it: the text before it, and its own with the token that ends it."""

    prompt: str
    answer: str


def apply_settings(tokenizer: Any, settings: Mapping[str, Any] | None) -> None:
    """Let the tokenizer render every chat by these settings of the template, such as `{"enable_thinking": false}`."""
    if settings:
        tokenizer.apply_chat_template = partial(tokenizer.apply_chat_template, **settings)


def render(tokenizer: Any, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = (), **settings: Any) -> str:
    """The whole text of a chat; calls have their arguments as objects, and Arrow's nulls are left out."""
    written = [read_message(message) for message in messages]
    given = _drop_nulls(list(tools)) or None
    return str(tokenizer.apply_chat_template(written, tools=given, tokenize=False, **settings))


def format_prompt(tokenizer: Any, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> str:
    """The messages, up to where the assistant's answer begins, whatever it says."""
    first, second = _render_placeholders(tokenizer, messages, tools)
    return first[: _count_common(first, second)]


def write_turn(
    tokenizer: Any,
    messages: Sequence[Message],
    answer: Message,
    tools: Sequence[dict[str, Any]] = (),
    after: Sequence[Message] = (),
) -> WrittenTurn:
    """The answer after `messages`, in a chat that continues with `after`; no token holds text of prompt and answer."""
    whole = render(tokenizer, [*messages, answer, *after], tools)
    start, end = _locate(whole, _render_placeholders(tokenizer, messages, tools, after))
    start = _find_token_start(tokenizer, whole, start)
    return WrittenTurn(whole[:start], whole[start : _include_end(tokenizer, whole, max(start, end))])


def write_answers(
    tokenizer: Any, messages: Sequence[Message], answers: Sequence[Message], tools: Sequence[dict[str, Any]] = ()
) -> tuple[str, list[str]]:
    """One prompt for several answers, and the text of each behind it, the end of the turn included.

    It is the template's own prompt for generation, or the text before all answers where one does not follow that.
    """
    prompt = render(tokenizer, messages, tools, add_generation_prompt=True)
    texts = [render(tokenizer, [*messages, answer], tools) for answer in answers]
    if not all(text.startswith(prompt) for text in texts):
        prompt = format_prompt(tokenizer, messages, tools)
        for text in texts:
            prompt = prompt[: _count_common(prompt, text)]
    return prompt, [text[len(prompt) :].rstrip() for text in texts]


def open_turn(tokenizer: Any, messages: Sequence[Message], tools: Sequence[dict[str, Any]], *, preference: bool) -> str:
    """The prompt of an answer that is yet to be written: as `write_turn` has it, or `write_answers` of a preference."""
    if preference:
        return render(tokenizer, messages, tools, add_generation_prompt=True)
    return write_turn(tokenizer, messages, {"role": "assistant", "content": PLACEHOLDERS[-1]}, tools).prompt


def read_answer(tokenizer: Any, written: str, content: str) -> str:
    """A reference answer as the model's own is read: its content, or the whole text where the template adds to it.

    A call is text that the template writes, and so are thoughts whose opening it writes before the answer.
    """
    ids = tokenizer(written, add_special_tokens=False)["input_ids"]
    ends = list_end_tokens(tokenizer)
    while ids and ids[-1] in ends:
        ids.pop()
    text = str(tokenizer.decode(ids, skip_special_tokens=True)).strip()
    return content if content.strip() == text else text


def list_end_tokens(tokenizer: Any) -> list[int]:
    """The tokenizer's token that ends a text, and the chat template's that ends a turn if it is another."""
    ends = (tokenizer.eos_token_id, find_end_token(tokenizer))
    return list(dict.fromkeys(token for token in ends if token is not None))


def find_end_token(tokenizer: Any) -> int | None:
    """The special token that the template writes behind an answer; None where it writes text.

    It may be another than the tokenizer's `eos_token`: Llama 3's templates end a turn with `<|eot_id|>`, and its base
    model's tokenizer ends a text with `<|end_of_text|>`.
    """
    return _find_end_token(tokenizer, tokenizer.chat_template, tokenizer.eos_token)


@lru_cache(maxsize=8)
def _find_end_token(tokenizer: Any, template: str, eos: str | None) -> int | None:
    """Cached by all that decides it."""
    turn = [{"role": "user", "content": "question"}, {"role": "assistant", "content": "answer"}]
    behind = tokenizer.apply_chat_template(turn, tokenize=False).rpartition("answer")[2]
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}
    ids: list[int] = tokenizer(behind, add_special_tokens=False)["input_ids"]
    return next((token for token in ids if token in special), None)


def read_message(message: Message) -> dict[str, Any]:
    """The keys that templates read, with calls whose arguments are objects."""
    read: dict[str, Any] = _drop_nulls({key: message.get(key) for key in KEYS})
    if read.get("tool_calls"):
        read["tool_calls"] = [_open_arguments(call) for call in read["tool_calls"]]
    return read


def _open_arguments(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
        return call
    return {**call, "function": {**function, "arguments": json.loads(function["arguments"])}}


def _drop_nulls(value: Any) -> Any:
    """Arrow gives every object of a column the keys of all others, as nulls, and Axolotl drops all nulls."""
    if isinstance(value, Mapping):
        return {key: _drop_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_drop_nulls(inner) for inner in value] if isinstance(value, list) else value


def _render_placeholders(
    tokenizer: Any, messages: Sequence[Message], tools: Sequence[dict[str, Any]], after: Sequence[Message] = ()
) -> tuple[str, str]:
    first, second = (
        render(tokenizer, [*messages, {"role": "assistant", "content": text}, *after], tools) for text in PLACEHOLDERS
    )
    return first, second


def _locate(whole: str, others: Sequence[str]) -> tuple[int, int]:
    """Where the text begins and ends in which `whole` differs from one of the `others`."""
    starts, ends = [], []
    for other in others:
        start = _count_common(whole, other)
        behind = min(len(whole), len(other)) - start
        starts.append(start)
        ends.append(len(whole) - _count_common(whole[::-1][:behind], other[::-1][:behind]))
    return min(starts), max(ends)


def _count_common(left: str, right: str) -> int:
    """The number of characters with which both begin, found by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _find_token_start(tokenizer: Any, whole: str, start: int) -> int:
    """Where the token begins that holds the character at `start`; training puts loss on all of it."""
    if not getattr(tokenizer, "is_fast", False):
        return start
    offsets = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return int(next((first for first, last in offsets if last > start), start))


def _include_end(tokenizer: Any, whole: str, end: int) -> int:
    """The end of the answer at `end` with the token that ends its turn, if that stands near enough."""
    token = find_end_token(tokenizer)
    if token is None:
        return end
    written = tokenizer.decode(token)
    between, found, _ = whole[end:].partition(written)
    near = len(tokenizer(between, add_special_tokens=False)["input_ids"]) <= NEAR if between else True
    return end + len(between) + len(written) if found and near else end
