"""Preference pairs as TRL takes them: the prompt's messages and an answer of one message each.

{"prompt": [{"role": "user", "content": "caps?"}], "chosen": [{"role": "assistant", "content": "search('caps')"}],
 "rejected": [{"role": "assistant", "content": "compare('caps')"}], "metadata": {"difference": 0.6}}
"""

from typing import Any

from recipebook.data.export import take_metadata, take_pair
from recipebook.rows import Row


def export(row: Row) -> dict[str, Any]:
    """Write one row."""
    chosen, rejected = take_pair(row)
    tools = {"tools": row["tools"]} if "tools" in row else {}
    return {"prompt": row["messages"], "chosen": [chosen], "rejected": [rejected], **tools, **take_metadata(row)}
