"""A tokenizer that renders and tokenises nothing twice: a row is looked at by Axolotl and by three checks of ours.

    tokenizer = RememberingTokenizer(AutoTokenizer.from_pretrained("models/tiny-base"))
    tokenizer.apply_chat_template(messages, tokenize=False)      renders
    tokenizer.apply_chat_template(messages)["input_ids"]         tokenises the text that is known
    tokenizer.forget()                                           before the next row

In everything else it is the tokenizer itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

# What callers ask beside the tokens' numbers; with anything else nothing is remembered.
ASKED = {"add_special_tokens", "return_offsets_mapping"}


class RememberingTokenizer:
    """Remembers texts by the chat and the settings that they were rendered with, and tokens by their text."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._texts: dict[bytes, str] = {}
        self._tokens: dict[str, Mapping[str, list[Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        """Everything that is not here is the tokenizer's own."""
        return getattr(self.tokenizer, name)

    def __len__(self) -> int:
        """The size of the vocabulary, as the tokenizer counts it."""
        return len(self.tokenizer)

    def forget(self) -> None:
        """Drop what is known of the last row, whose texts no other row has."""
        self._texts.clear()
        self._tokens.clear()

    def apply_chat_template(
        self,
        conversation: Sequence[Mapping[str, Any]],
        *,
        tokenize: bool = True,
        return_dict: bool = True,
        **given: Any,
    ) -> Any:
        """The text of a chat, its tokens, or both as the tokenizer returns them."""
        text = self._render(conversation, given)
        if not tokenize:
            return text
        tokens = self(text, add_special_tokens=False)
        return tokens if return_dict else tokens["input_ids"]

    def __call__(self, text: Any, **given: Any) -> Any:
        """The tokens of a text; of one without special tokens, with the places of their characters too."""
        if not isinstance(text, str) or given.get("add_special_tokens", True) or given.keys() - ASKED:
            return self.tokenizer(text, **given)
        if text not in self._tokens:
            asked = {"return_offsets_mapping": True} if self.tokenizer.is_fast else given
            self._tokens[text] = dict(self.tokenizer(text, **{**given, **asked}))
        # Copies: a caller may change its lists.
        return {name: list(values) for name, values in self._tokens[text].items()}

    def _render(self, conversation: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> str:
        settings = {"chat_template": None, "tools": None, "add_generation_prompt": False, **given}
        settings["chat_template"] = settings["chat_template"] or self.tokenizer.chat_template
        try:
            # In their own order: a template may write the keys of an object.
            key = orjson.dumps([conversation, sorted(settings.items())])
        except TypeError:
            # An integer of more than 64 bits, say.
            return str(self.tokenizer.apply_chat_template(conversation, tokenize=False, **given))
        if key not in self._texts:
            self._texts[key] = str(self.tokenizer.apply_chat_template(conversation, tokenize=False, **given))
        return self._texts[key]
