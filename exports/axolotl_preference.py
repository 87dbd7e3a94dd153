"""Preference pairs as Axolotl's `chat_template.default` takes them: the prompt's messages and one message an answer.

{"messages": [{"role": "user", "content": "caps?"}], "chosen": {"role": "assistant", "content": "search('caps')"},
 "rejected": {"role": "assistant", "content": "compare('caps')"}, "metadata": {"difference": 0.6}}
"""

from typing import Any

from recipebook.data.export import take_all_metadata, take_pair
from recipebook.rows import Row


def export(row: Row) -> dict[str, Any]:
    """Write one row."""
    chosen, rejected = take_pair(row)
    tools = {"tools": row["tools"]} if "tools" in row else {}
    return {"messages": row["messages"], "chosen": chosen, "rejected": rejected, **tools, **take_all_metadata(row)}
