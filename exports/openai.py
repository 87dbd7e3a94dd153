"""Messages as OpenAI's fine-tuning takes them: a row as it is, with its meta, less the origin, as `metadata`.

{"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}],
 "metadata": {"category": "safety"}}

A message that is not to be learned has `"weight": 0`.
"""

from typing import Any

from recipebook.data.export import refuse_preference, take_metadata, write_mark
from recipebook.rows import Row


def export(row: Row) -> dict[str, Any]:
    """Write one row."""
    refuse_preference(row)
    tools = {"tools": row["tools"]} if "tools" in row else {}
    return {"messages": [write_mark(message) for message in row["messages"]], **tools, **take_metadata(row)}
