"""A log of chats that cannot be written names its file."""

from pathlib import Path

import pytest

from recipebook.errors import format_refusal
from release.chat_log import Conversation
from tests.recipebook.small_files import limiting


def test_a_log_that_finds_no_room_is_named(tmp_path: Path) -> None:
    talk = Conversation("robot-1", "tuned", [{"role": "user", "content": "x" * 500}], answers=1)
    with pytest.raises(OSError, match="File too large") as found, limiting(100):
        talk.write(tmp_path / "chats.jsonl")
    assert format_refusal(found.value) == f"{tmp_path / 'chats.jsonl'}: File too large"
