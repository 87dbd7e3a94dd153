"""The table of a fleet: a member's run in; a line of it out, for the terminal and for a page.

member    status   loss    main figure     took  rows  judged
joy_plus  trained  1.2214  nll: 2.31       7 s   24    good
"""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.files import write_text
from recipebook.fleet.members import MemberState, name_fleet
from recipebook.progress import format_seconds
from recipebook.run import rundir
from recipebook.run.headline import read_headline

HEAD = ("member", "status", "loss", "main figure: tuned (base)", "took", "rows", "told")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:15px system-ui;margin:1.5em;max-width:75em}}table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;padding:.3em .6em;border-bottom:1px solid #ddd;overflow-wrap:anywhere}}
main{{overflow-x:auto}}tr.failed td{{background:#fde8e8}}</style>
<h1>{title}</h1><p>{told}</p><main><table><tr>{head}</tr>
{rows}</table></main></html>
"""


class Line(NamedTuple):
    """What the table says of a member; `status` is the manifest's, or `left out`. Its run's name is not shown."""

    member: str
    status: str
    loss: str
    headline: str
    took: str
    rows: str
    told: str
    run: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands below HEAD."""
        return self[: len(HEAD)]


def read_line(standing: MemberState, fault: str | None) -> Line:
    """How a member stands now; `fault` is why this command gave it up."""
    name, rows = standing.member.name, str(standing.dataset.rows["train"])
    if standing.state == "left out":
        return Line(name, "left out", "", "", "", rows, standing.why)
    found = [
        (run, manifest)
        for run, manifest in rundir.list_members(name_fleet(standing.resolved), name)
        if manifest.identity == standing.identity
    ]
    if standing.run and not found:
        found = [(standing.run, standing.run.read())]
    if fault or not found:
        return Line(name, "failed", "", "", "", rows, fault or "there is no run of it")
    run, manifest = next((pair for pair in found if pair[1].status == "trained"), found[0])
    try:
        headline = read_headline(run.folder / "eval" / "summary.json")
    except UserError as error:
        headline = str(error)
    loss = "" if manifest.final_loss is None else f"{manifest.final_loss:.4f}"
    took = format_seconds(sum(one.seconds or 0 for one in manifest.attempts))
    note = manifest.reason or (manifest.diagnosis or "").partition(":")[0]
    return Line(name, manifest.status, loss, headline, took, rows, note, run.name)


def write_page(path: Path, fleet: str, lines: Sequence[Line]) -> None:
    """The same as a page."""
    trained = sum(line.status == "trained" for line in lines)
    rows = "".join(
        f"<tr{'' if line.status == 'trained' else ' class=failed'}>{_make_cells('td', line.cells)}</tr>\n"
        for line in lines
    )
    summary = f"{len(lines)} members, {trained} trained"
    text = PAGE.format(title=html.escape(f"fleet {fleet}"), told=summary, head=_make_cells("th", HEAD), rows=rows)
    write_text(path, text)


def _make_cells(tag: str, texts: Sequence[str]) -> str:
    return "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
