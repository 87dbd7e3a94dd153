"""A question and its answer, the form that completion services take.

In: `{"messages": [{"role": "user", "content": "stop"}, {"role": "assistant", "content": "robot.stop()"}], "meta": {}}`.
Out:

    {"prompt": "stop", "completion": "robot.stop()"}

It holds no system turn, no further turns, no tools and no meta.
"""

from typing import Any

from recipebook.data.export import refuse_preference
from recipebook.rows import BadRecord, Row


def export(row: Row) -> dict[str, Any]:
    """Write one row; a row with content that the form cannot hold is refused."""
    refuse_preference(row)
    if row.get("tools") or any("tool_calls" in message for message in row["messages"]):
        raise BadRecord("has tools")
    roles = [message["role"] for message in row["messages"]]
    if roles != ["user", "assistant"]:
        surplus = "a system turn" if "system" in roles else f"{len(roles)} turns"
        raise BadRecord(f"has {surplus}; the form is one user turn and one assistant turn")
    prompt, completion = row["messages"]
    if others := sorted((prompt.keys() - {"train"} | completion.keys()) - {"role", "content"}):
        raise BadRecord(f"has '{others[0]}' of a turn, which the form cannot hold")
    return {"prompt": prompt["content"], "completion": completion["content"]}
