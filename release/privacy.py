"""Files that are to be published in; nothing out, or the file that holds a path of this machine or a secret.

publish/evaluation/predictions.jsonl: it holds what looks like a secret (hf_…), and nothing is published
"""

from collections.abc import Iterator
from pathlib import Path

from recipebook.errors import UserError
from recipebook.project import INSTALLATION, PROJECT, RUNS
from recipebook.run.secret_values import LOGIN, SECRETS, list_secret_variables

SHOWN = 4


def leave_machine_out(text: str) -> str:
    """A text in which paths of the project count from its folder."""
    for folder in dict.fromkeys(map(str, (PROJECT, PROJECT.resolve(), INSTALLATION, RUNS.resolve().parent))):
        text = text.replace(f"{folder}/", "").replace(folder, ".")
    return text


def refuse_private(folder: Path) -> None:
    """Refuse to publish a folder if one of its files has a path of this machine, or a secret, in it."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        for what in _find_private(content):
            raise UserError(f"publish/{path.relative_to(folder)}: it holds {what}, and nothing is published")


def _find_private(content: bytes) -> Iterator[str]:
    home = str(Path.home())
    paths = {str(PROJECT), str(INSTALLATION), str(RUNS.resolve()), *([f"{home}/"] if home != "/" else [])}
    yield from (f"a path of this machine ({path})" for path in sorted(paths) if path.encode() in content)
    if found := SECRETS.search(content):
        yield f"what looks like a secret ({found[0][:SHOWN].decode()}…)"
    if LOGIN.search(content):
        yield "an address with a user's name and password"
    for name, value in list_secret_variables():
        if value in content:
            yield f"the value of ${name}"
