"""Rows whose references only the chat template can write in; the references as evaluation reads them out.

{"messages": [{"role": "user", "content": "stop"},
              {"role": "assistant", "content": "", "tool_calls": [a call of robot.stop without arguments]}]}
→ "<tool_call>{\"name\": \"robot.stop\", \"arguments\": {}}</tool_call>"
"""

import json
from pathlib import Path
from typing import Any

from recipebook.rows import find_reference
from recipebook.text.chat import read_answer, write_answers, write_turn


def write_references(rows: Path, to: Path, tokenizer: Any) -> None:
    """Write a list with the reference of each row; null for one that the template does not write."""
    with rows.open(encoding="utf-8") as file:
        texts = [_format_reference(json.loads(line), tokenizer) for line in file]
    to.write_text(json.dumps(texts), encoding="utf-8")


def _format_reference(row: dict[str, Any], tokenizer: Any) -> str | None:
    found, tools = find_reference(row), row.get("tools") or ()
    if found is None:
        return None
    try:
        if "chosen" in row or "answer" in row:
            _, (written, *_) = write_answers(tokenizer, found.before, [found.answer], tools)
        else:
            written = write_turn(tokenizer, found.before, found.answer, tools, found.after).answer
        return read_answer(tokenizer, written, found.answer["content"])
    except Exception:  # whatever a template does; the preview of train says what
        return None
