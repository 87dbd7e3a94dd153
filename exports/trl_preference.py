"""Preferences as TRL takes them: the prompt's messages, and two answers or one with its label, of one message each.

{"prompt": [{"role": "user", "content": "caps?"}], "chosen": [{"role": "assistant", "content": "search('caps')"}],
 "rejected": [{"role": "assistant", "content": "compare('caps')"}], "metadata": {"difference": 0.6}}
{"prompt": [{"role": "user", "content": "caps?"}], "completion": [{"role": "assistant", "content": "compare('caps')"}],
 "label": false, "metadata": {}}
"""

from typing import Any

from recipebook.data.export import take_all_metadata, take_labelled, take_pair
from recipebook.rows import Row


def export(row: Row) -> dict[str, Any]:
    """Write one row."""
    tools = {"tools": row["tools"]} if "tools" in row else {}
    if "label" in row:
        answer, label = take_labelled(row)
        return {"prompt": row["messages"], "completion": [answer], "label": label, **tools, **take_all_metadata(row)}
    chosen, rejected = take_pair(row)
    return {"prompt": row["messages"], "chosen": [chosen], "rejected": [rejected], **tools, **take_all_metadata(row)}
