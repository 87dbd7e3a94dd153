"""Requests and replies in the form of OpenAI's chat completions, as far as this server has them.

    POST /v1/chat/completions  {"model": "robot-lora", "messages": [{"role": "user", "content": "stop"}]}
    → {"id": "chatcmpl-1", "object": "chat.completion", "created": 1795253405, "model": "robot-lora-…", "choices":
       [{"index": 0, "message": {"role": "assistant", "content": "robot.stop()"}, "finish_reason": "stop"}],
       "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}}

A setting that would change the answer and that the server does not have is refused, not ignored.
"""

import time
from typing import Any, Literal

from pydantic import Field

from recipebook.frozen import Frozen
from recipebook.recipe.evaluation_keys import Generation
from recipebook.rows import Message
from release.answering import ChatAnswer
from release.read_messages import check_tools, read_messages


class StreamOptions(Frozen):
    """What a stream has besides the answer."""

    include_usage: bool = False


class TextFormat(Frozen):
    """The one form of an answer that there is."""

    type: Literal["text"]


class ChatRequest(Frozen):
    """A chat to be answered; what is left out is as in the run's evaluation."""

    model: str
    messages: list[dict[str, Any]] = Field(min_length=1)
    tools: list[dict[str, Any]] = Field(default_factory=list)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = Field(None, ge=0, lt=2**63)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    # Of these, only what changes nothing.
    n: Literal[1] | None = None
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    logprobs: Literal[False] | None = None
    stop: None = None
    response_format: TextFormat | None = None
    tool_choice: Literal["auto"] | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    store: Literal[False] | None = None

    def fill(self, own: Generation) -> Generation:
        """How the answer is generated."""
        limit = self.max_completion_tokens or self.max_tokens
        given = {"max_new_tokens": limit, "temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        return own.model_copy(update={name: value for name, value in given.items() if value is not None})

    def read_messages(self) -> list[Message]:
        """The messages as rows have them, after a look at the tools beside them."""
        check_tools(self.tools)
        return read_messages(self.messages)


def format_reply(number: int, model: str, answer: ChatAnswer) -> dict[str, Any]:
    """The whole answer."""
    message = {"role": "assistant", "content": answer.text}
    choice = {"index": 0, "message": message, "finish_reason": _finish(answer)}
    return {**_head(number, model, "chat.completion"), "choices": [choice], "usage": _count(answer)}


def format_piece(number: int, model: str, delta: dict[str, str], answer: ChatAnswer | None = None) -> dict[str, Any]:
    """A piece of a stream; the last one has the whole answer behind it."""
    choice = {"index": 0, "delta": delta, "finish_reason": _finish(answer) if answer else None}
    return {**_head(number, model, "chat.completion.chunk"), "choices": [choice]}


def format_usage(number: int, model: str, answer: ChatAnswer) -> dict[str, Any]:
    """The piece behind the last one, where it was asked for."""
    return {**_head(number, model, "chat.completion.chunk"), "choices": [], "usage": _count(answer)}


def _head(number: int, model: str, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": int(time.time()), "model": model}


def _finish(answer: ChatAnswer) -> str:
    return "length" if answer.truncated else "stop"


def _count(answer: ChatAnswer) -> dict[str, int]:
    read, written = answer.prompt_tokens, answer.new_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
