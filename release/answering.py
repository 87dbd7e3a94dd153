"""A chat in; a model's next answer, piece by piece, out. Prompt and tokens are those that an evaluation has.

answerer = Answerer(opened.model, opened.tokenizer, recipe.eval.generation)
answerer.answer([{"role": "user", "content": "stop"}], hear=print)
→ ChatAnswer(text="robot.stop()", prompt_tokens=12, new_tokens=5, truncated=False)
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from jinja2 import TemplateError
from peft import PeftModel

from eval.asking.generate import stop_tokens
from recipebook.data.system_turns import System, SystemTurns
from recipebook.errors import UserError, on_one_line
from recipebook.playing.decode import decode
from recipebook.recipe.base_model import read_context
from recipebook.recipe.evaluation_keys import Generation
from recipebook.rows import Message, Row
from recipebook.text import chat


class ChatAnswer(NamedTuple):
    """An answer; `truncated` means that it did not end within the limit of tokens."""

    text: str
    prompt_tokens: int
    new_tokens: int
    truncated: bool


@dataclass(frozen=True)
class Answerer:
    """A model that answers chats, and how it does."""

    model: Any
    tokenizer: Any
    settings: Generation
    preference: bool = False
    """Whether it was trained on preferences, whose prompts are written in another way."""
    system: System = "keep"
    """What becomes of system turns, as in its training."""

    @property
    def longest(self) -> int:
        """The most tokens of a chat with its answer, by the model's settings."""
        return read_context(self.model.config.to_dict()) or sys.maxsize

    def read(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> list[int]:
        """The prompt's tokens: the messages, up to where the answer begins; refused if there is no room for it."""
        written: Sequence[Message] = messages
        if self.system != "keep":
            row = SystemTurns(self.system).apply(cast(Row, {"messages": list(messages), "meta": {}}))
            written = row["messages"]
        try:
            text = chat.open_turn(self.tokenizer, written, tools, preference=self.preference)
        except (ValueError, TemplateError) as error:
            raise UserError(f"the chat template does not write this chat: {on_one_line(str(error))}") from None
        ids = cast(list[int], self.tokenizer(text, add_special_tokens=False)["input_ids"])
        if len(ids) >= self.longest:
            raise UserError(f"the chat has {len(ids):,} tokens, and the model reads {self.longest:,} at most")
        return ids

    def writes_tools(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> bool:
        """Whether the chat template has a place for tools; without one the model would not see them."""
        return self.read(messages, tools) != self.read(messages)

    def answer(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]] = (),
        hear: Callable[[str], None] = lambda piece: None,
        settings: Generation | None = None,
    ) -> ChatAnswer:
        """Write the next answer; `hear` gets its text in pieces, which add up to the whole."""
        ids, wanted = self.read(messages, tools), settings or self.settings
        inner = self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model
        pieces = TextPieces(self.tokenizer, hear)
        torch.manual_seed(wanted.seed)
        (decoded,) = decode(
            inner, [ids], stop_tokens(inner, self.tokenizer), wanted, hear=lambda row, token: pieces.add(token)
        )
        return ChatAnswer(pieces.end(), len(ids), len(decoded.ids), not decoded.ended)


class TextPieces:
    """Tokens one by one in; the text that later tokens cannot change out, without white space at its ends."""

    def __init__(self, tokenizer: Any, hear: Callable[[str], None]) -> None:
        self.tokenizer = tokenizer
        self.hear = hear
        self.ids: list[int] = []
        self.given = ""

    def add(self, token: int) -> None:
        """Hear what the token adds; half a character waits for its other half."""
        self.ids.append(token)
        text = self._read()
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            self._give(text)

    def end(self) -> str:
        """Hear what is left; the whole text."""
        text = self._read()
        self._give(text)
        return text

    def _read(self) -> str:
        return str(self.tokenizer.decode(self.ids, skip_special_tokens=True)).strip()

    def _give(self, text: str) -> None:
        if len(text) > len(self.given) and text.startswith(self.given):
            self.hear(text[len(self.given) :])
            self.given = text
