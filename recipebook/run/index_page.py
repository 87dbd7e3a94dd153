"""The page of all runs: the folders in `runs/` in; `runs/index.html`, with links to reports and other pages, out.

    write_index(Path("runs"))  →  runs/index.html: robot-lora-20261120-141503, trained, loss 0.0312, …

Commands that write a page write it anew, so that every page has one that it can lead back to.
"""

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

from recipebook import project
from recipebook.files import write_text
from recipebook.pages.page import render_page
from recipebook.project import shown
from recipebook.run import rundir
from recipebook.run.table import HEAD, make_line
from recipebook.terminal import print_field

INDEX = "index.html"
REPORT = "eval/report.html"
# Pages over several runs, in the folder of all runs or of a fleet.
TITLE_WITHIN = 4096
_TITLE = re.compile("<title>([^<]+)</title>")
PATTERNS = ("leaderboard.html", "compare-*.html", "*/members.html", "*/seeds.html")


def write_index(runs: Path = project.RUNS) -> None:
    """Write the page; without any run there is none, and without room for it the command goes on."""
    lines = [(_find_page(run.folder, runs), make_line(run)) for run in rundir.list_runs(runs)]
    if not lines:
        return
    pages = sorted(path.relative_to(runs).as_posix() for pattern in PATTERNS for path in runs.glob(pattern))
    page = render_page(
        Path(__file__).parent,
        "index.html.j2",
        {},
        head=HEAD,
        lines=lines,
        pages=[(_name_page(runs, page), quote(page)) for page in pages],
    )
    try:
        write_text(runs / INDEX, page)
    except OSError as error:
        print_field("page", f"{shown(runs / INDEX)}: cannot be written: {error.strerror}")


def _name_page(runs: Path, page: str) -> str:
    """`leaderboard`, `traits/members`; a comparison is named by its own title, as its file's name tells nobody more."""
    if not page.startswith("compare-"):
        return page.removesuffix(".html")
    with (runs / page).open("rb") as file:
        found = _TITLE.search(file.read(TITLE_WITHIN).decode("utf-8", "replace"))
    return unescape(found[1]) if found else page.removesuffix(".html")


def _find_page(folder: Path, runs: Path) -> str:
    """The address of a run's report, or of its folder where it has none."""
    name = folder.relative_to(runs).as_posix()
    return quote(f"{name}/{REPORT}" if (folder / REPORT).is_file() else f"{name}/")
