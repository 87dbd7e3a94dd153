r"""A chat that is written in one text, as in Anthropic's helpful and harmless pairs, as messages.

"\n\nHuman: hi\n\nAssistant: hello" → user "hi", assistant "hello"
"""

import re

from recipebook.rows import BadRecord, Message

_WRITTEN_TURN = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
_WRITTEN_DIALOGUE = re.compile(r"\s*Human:.*?\n\nAssistant:", re.DOTALL)
_SPEAKERS = {"Human": "user", "Assistant": "assistant"}


def read_written_chat(text: str) -> list[Message] | None:
    """A chat that is written in one text; the last turn's may be empty. None for any other text."""
    if not _WRITTEN_DIALOGUE.match(text):
        return None
    parts = _WRITTEN_TURN.split(text)[1:]
    messages: list[Message] = [
        {"role": _SPEAKERS[speaker], "content": said.strip()}
        for speaker, said in zip(parts[::2], parts[1::2], strict=True)
    ]
    if not all(message["content"] for message in messages[:-1]):
        raise BadRecord("has an empty turn between 'Human:' and 'Assistant:'")
    return messages
