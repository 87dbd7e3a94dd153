"""The page of a fleet: the lines of its table in; `members.html`, with links to runs and reports, out.

`table.json` keeps what the page was written from, so that an evaluation can add its figures:

    {"fleet": "traits", "lines": [{"member": "joy_plus", "status": "trained", "loss": "1.2214", "rows": "24", …}, …]}
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from recipebook.errors import UserError, format_first_error
from recipebook.files import write_text
from recipebook.fleet.table import HEAD, Line, read_figure
from recipebook.frozen import Frozen
from recipebook.pages.page import render_page
from recipebook.project import RUNS, shown
from recipebook.run.rundir import VOTE

PAGE = "members.html"
TABLE = "table.json"
REPORT = "eval/report.html"
# Pages that a fleet's may lead to, from its folder.
LINKS = {
    "All runs": "../index.html",
    "Report of their vote": f"{VOTE}/{REPORT}",
    "All seeds as one system": "seeds.html",
    "Leaderboard": "../leaderboard.html",
}


class Table(Frozen):
    """`table.json`; `fleet` is the recipe's name."""

    fleet: str
    lines: tuple[Line, ...]


def write_page(folder: str, fleet: str, lines: Sequence[Line], runs: Path = RUNS) -> None:
    """Write the page of a fleet into `runs/<folder>`, and the table that it is made of."""
    written = Table(fleet=fleet, lines=tuple(lines))
    write_text(runs / folder / TABLE, written.model_dump_json(indent=1) + "\n")
    reports = {line.run for line in lines if line.run and (runs / line.run / REPORT).is_file()}
    page = render_page(
        Path(__file__).parent,
        "members.html.j2",
        {},
        links=[(title, link) for title, link in LINKS.items() if (runs / folder / link).is_file()],
        fleet=fleet,
        head=HEAD,
        lines=lines,
        reports=reports,
    )
    write_text(runs / folder / PAGE, page)


def refresh_page(folder: str, runs: Path = RUNS) -> None:
    """Write the page anew with the figures of evaluations since; a fleet that has no table yet gets no page."""
    path = runs / folder / TABLE
    if not path.is_file():
        return
    try:
        table = Table.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{shown(path)}: {format_first_error(error)}") from None
    lines = [line._replace(headline=read_figure(runs / line.run)) if line.run else line for line in table.lines]
    write_page(folder, table.fleet, lines, runs)
