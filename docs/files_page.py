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
INTRODUCTION = """\
## Files as people have them

What becomes of some of the shapes and oddities that public data has: each file of `tests/samples/files/` is converted
with `converter: auto` when this page is written. A file without a converter is refused, with the line that says why.

| file | converter | records | rows | what `convert` says of it |
| --- | --- | --- | --- | --- |"""


def render_files() -> str:
    """The table of all files."""
    return "\n".join([INTRODUCTION, *(_render(path) for path in sorted(FILES.iterdir())), ""])


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
