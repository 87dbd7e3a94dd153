"""Held-out rows in; what only who has the tokenizer can say of them out: references that the chat template writes, and
the tokens of prompts.

{"messages": [{"role": "user", "content": "stop"},
              {"role": "assistant", "content": "", "tool_calls": [a call of robot.stop without arguments]}]}
→ "<tool_call>{\"name\": \"robot.stop\", \"arguments\": {}}</tool_call>"
"""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from recipebook.rows import find_reference
from recipebook.text.chat import WrittenTurn, read_answer, write_answers, write_turn

# Tokenising takes some hundred microseconds a row.
MOST = 5_000


def write_references(rows: Path, to: Path, tokenizer: Any) -> None:
    """Write a list with the reference of each row; null for one that the template does not write."""
    with rows.open(encoding="utf-8") as file:
        texts = [_format_reference(json.loads(line), tokenizer) for line in file]
    to.write_text(json.dumps(texts), encoding="utf-8")


def write_lengths(rows: Path, to: Path, tokenizer: Any) -> None:
    """Write a list with the tokens of each of the first rows' last prompt, and of it with its longest given answer."""
    with rows.open(encoding="utf-8") as file:
        written = [_write(json.loads(line), tokenizer) for line in islice(file, MOST)]
    prompts = [turns[0].prompt for turns in written if turns]
    wholes = [max((turn.prompt + turn.answer for turn in turns), key=len) for turns in written if turns]
    ids = tokenizer([*prompts, *wholes], add_special_tokens=False)["input_ids"] if prompts else []
    counts = [*map(len, ids)]
    to.write_text(json.dumps([*zip(counts[: len(prompts)], counts[len(prompts) :], strict=True)]), encoding="utf-8")


def _format_reference(row: dict[str, Any], tokenizer: Any) -> str | None:
    found, written = find_reference(row), _write(row, tokenizer)
    return read_answer(tokenizer, written[0].answer, found.answer["content"]) if found and written else None


def _write(row: dict[str, Any], tokenizer: Any) -> list[WrittenTurn]:
    """A row's prompt with each of its given answers as text; none where there is none, or the template writes none."""
    found, tools = find_reference(row), row.get("tools") or ()
    if found is None:
        return []
    try:
        if "chosen" in row or "answer" in row:
            given = [found.answer, *([row["rejected"]] if row.get("rejected") else [])]
            before, texts = write_answers(tokenizer, found.before, given, tools)
            return [WrittenTurn(before, text) for text in texts]
        return [write_turn(tokenizer, found.before, found.answer, tools, found.after)]
    except Exception:  # whatever a template does; the preview of train says what
        return []
