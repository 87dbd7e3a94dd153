"""Files as people have them in; a table of what became of each out, for the page of converters.

    | `kto_tag.jsonl` | preference | 2 | 2 | |

Each file of tests/samples/files is converted with `converter: auto`, and the table says what `convert` would print.
"""

import re
import tempfile
from pathlib import Path

from recipebook.data.conversion import convert_file
from recipebook.errors import UserError
from recipebook.project import PROJECT

FILES = PROJECT / "tests" / "samples" / "files"
NOT_READ = """\
## Shapes that are not read, and what to do

| data | is refused, or read as | what to do |
| --- | --- | --- |"""
_REFUSED = (
    (
        "a message a line, with `parent_id`",
        "refused",
        "write each path from the first message to a last reply, or the one of the best ranks, as `messages`",
    ),
    (
        "two chats and a winner (`conversation_a`, `conversation_b`, `winner`)",
        "refused",
        "write `chosen` and `rejected`, each with its whole chat; leave ties out",
    ),
    (
        "`redacted_thinking` and other blocks that nobody can read (Anthropic)",
        "refused",
        "take the block out where the answer stands without it, else leave the chat out",
    ),
    (
        "images, audio, files and tools of the provider's own in a turn",
        "refused",
        "leave the chat out: its answer follows from what no row can hold",
    ),
    (
        "thoughts, text and calls in another order than a row has",
        "refused",
        "make a turn of each: thoughts, text and calls; then the tool's answer; then the rest",
    ),
    (
        "items without a role (OpenAI's Responses)",
        "refused",
        "write `function_call` as `tool_calls` of the assistant, and `function_call_output` as the turn of a "
        "tool with its `tool_call_id`",
    ),
    (
        "`toolUse` and `toolResult` (Bedrock)",
        "refused",
        "write them as blocks of the types `tool_use` and `tool_result`",
    ),
    (
        "messages inside another object (`body`, `request`, `data`, `chat`)",
        "refused",
        "take them out, such as with `jq -c .body`",
    ),
    (
        "texts that a chat template wrote (`<|im_start|>`, `[INST]`, `### Human:`)",
        "refused",
        "split them at the template's signs into `messages`; the signs would be written twice",
    ),
    (
        "a label for each step (`completions` and `labels`)",
        "refused",
        "no method learns from steps; join the steps of right solutions into `completion`",
    ),
    (
        "`chat_template_kwargs`",
        "counted",
        "write `custom_instructions` as `system`, and tools as `tools`",
    ),
    (
        "exports of Label Studio and Argilla",
        "refused",
        "export them as CSV, and name the columns in `data.options.columns`",
    ),
)
INTRODUCTION = """\
## Files as people have them

What becomes of some of the shapes and oddities that public data has: each file of `tests/samples/files/` is converted
with `converter: auto` when this page is written. A file without a converter is refused, with the line that says why.

| file | converter | records | rows | what `convert` says of it |
| --- | --- | --- | --- | --- |"""


def render_files() -> str:
    """The shapes that are not read, and the table of all files."""
    refused = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _REFUSED]
    return "\n".join([NOT_READ, *refused, "", INTRODUCTION, *(_render(path) for path in sorted(FILES.iterdir())), ""])


def _render(path: Path) -> str:
    converter, records, rows, said = _convert(path)
    text = "; ".join(said).replace(f"{path}", path.name).replace("|", "\\|")
    return f"| `{path.name}` | {converter} | {records} | {rows} | {text} |"


def _convert(path: Path) -> tuple[str, int | str, int | str, list[str]]:
    """The converter that `auto` chose, the numbers of records and rows, and what else the account says."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            account = convert_file("auto", str(path), Path(folder) / "rows.jsonl", {}, "100%")
        except UserError as error:
            return "none", "", "", [str(error)]
    chosen = re.compile(re.escape(f"{path}: converter ") + r"(\w+): ")
    found = [match for note in account.notes if (match := chosen.match(note))]
    _, *said = [line for line in account.lines() if not chosen.match(line)]
    return found[0][1], account.records, account.rows, said
