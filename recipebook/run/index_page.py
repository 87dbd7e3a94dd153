"""The page of all runs: the folders in `runs/` in; `runs/index.html`, with links to reports and other pages, out.

    write_index(Path("runs"))  →  runs/index.html: robot-lora-20261120-141503, trained, loss 0.0312, …

Commands that write a page write it anew, so that every page has one that it can lead back to.
"""

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
        pages=[(page.removesuffix(".html"), quote(page)) for page in pages],
    )
    try:
        write_text(runs / INDEX, page)
    except OSError as error:
        print_field("page", f"{shown(runs / INDEX)}: cannot be written: {error.strerror}")


def _find_page(folder: Path, runs: Path) -> str:
    """The address of a run's report, or of its folder where it has none."""
    name = folder.relative_to(runs).as_posix()
    return quote(f"{name}/{REPORT}" if (folder / REPORT).is_file() else f"{name}/")
