"""`recipebook init FOLDER`: a project of one's own that uses this installation.

mine/
  Makefile             includes the installation's, so that all goals work here
  recipes/first.yaml   a small recipe with comments
  data/first.jsonl     its records
  runs/                what `make train` and `make eval` write
  .gitignore           leaves out runs and caches

What is there already stays as it is.
"""

import argparse
import json
import re
import shlex
from pathlib import Path

HELP = "make a project of your own: recipes/, data/, runs/ and a Makefile"
FILES = {"Makefile": "Makefile.j2", ".gitignore": "gitignore.j2", "recipes/first.yaml": "first.yaml.j2"}
# Characters that make or the shell would read as something else in the path of a Makefile and of its targets.
TROUBLE = re.compile(r"""[\s#$%&'"()*:;<=>?\[\\\]`|]""")
VERBS = ("lift", "lower", "turn", "open", "close")
BOXES = range(1, 31)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The project's folder."""
    parser.add_argument("folder", type=Path, help="a new folder, or one that lacks some of the files")


def run(arguments: argparse.Namespace) -> int:
    """Write the files that are not there, and print what to do next."""
    from recipebook.errors import UserError
    from recipebook.files import write_text
    from recipebook.project import INSTALLATION
    from recipebook.terminal import print_field

    folder = arguments.folder.resolve()
    if folder == INSTALLATION:
        raise UserError(f"{folder} is the installation itself; name another folder")
    if found := TROUBLE.search(str(INSTALLATION)):
        what = "a blank" if found[0].isspace() else found[0]
        raise UserError(f"make cannot include files of {str(INSTALLATION)!r}, which has {what} in its name; move it")
    for name, text in _list_texts(str(INSTALLATION)).items():
        path = folder / name
        there = path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not there:
            write_text(path, text)
        print_field("kept" if there else "wrote", str(path))
    print_field("next", f"cd {shlex.quote(str(folder))}")
    print_field("", "make train RECIPE=first && make eval RUN=first")
    return 0


def _list_texts(installation: str) -> dict[str, str]:
    """The files of a new project, by their names in it."""
    from jinja2 import Environment, FileSystemLoader

    from recipebook.project import TEMPLATES

    templates = Environment(
        loader=FileSystemLoader(TEMPLATES / "project"), keep_trailing_newline=True, autoescape=False
    )
    written = {name: templates.get_template(file).render(installation=installation) for name, file in FILES.items()}
    return {**written, "data/first.jsonl": _format_chats(), "runs/.gitignore": "*\n!.gitignore\n"}


def _format_chats() -> str:
    """Conversations as OpenAI writes them, a line each."""
    orders = [(f"Please {verb} box {box}.", f"Box {box}: {verb}.") for verb in VERBS for box in BOXES]
    chats = [[{"role": "user", "content": asked}, {"role": "assistant", "content": answer}] for asked, answer in orders]
    return "".join(json.dumps({"messages": messages}) + "\n" for messages in chats)
