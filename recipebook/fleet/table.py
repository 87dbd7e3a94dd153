"""The table of a fleet: a member's run in; a line of it out, for the terminal and for the page (fleet/page.py).

member    status   loss    main figure: tuned (base)  took  rows  note
joy_plus  trained  1.2214  nll: 2.310 (4.120)         7 s   24    good
"""

from pathlib import Path
from typing import NamedTuple

from recipebook.errors import UserError
from recipebook.fleet.members import MemberState, name_fleet
from recipebook.progress import format_seconds
from recipebook.run import rundir
from recipebook.run.headline import read_headline
from recipebook.terminal import format_decimals

HEAD = ("member", "status", "loss", "main figure: tuned (base)", "took", "rows", "note")


class Line(NamedTuple):
    """The table's line of a member; `status` is the manifest's, or `left out`. Only the page links to its `run`."""

    member: str
    status: str
    loss: str
    headline: str
    took: str
    rows: str
    note: str
    run: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells below HEAD."""
        return self[: len(HEAD)]


def read_line(standing: MemberState, fault: str | None) -> Line:
    """The line of a member as it is now; `fault` is why this command gave it up."""
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
        run_name = found[0][0].name if found else ""
        return Line(name, "failed", "", "", "", rows, fault or "there is no run of it", run_name)
    run, manifest = next((pair for pair in found if pair[1].status == "trained"), found[0])
    loss = "" if manifest.final_loss is None else format_decimals(manifest.final_loss, 4)
    took = format_seconds(sum(one.seconds or 0 for one in manifest.attempts))
    note = manifest.reason or (manifest.diagnosis or "").partition(":")[0]
    return Line(name, manifest.status, loss, read_figure(run.folder), took, rows, note, run.name)


def read_figure(folder: Path) -> str:
    """The main figure of a run's evaluation, or why it cannot be read; empty without an evaluation.

    It is that of test rows, and of validation rows where there is no other.
    """
    try:
        tested = read_headline(folder / "eval" / "summary.json")
        checked = "" if tested else read_headline(folder / "eval" / "validation" / "summary.json")
        return tested or (f"{checked} on validation" if checked else "")
    except UserError as error:
        return str(error)
