"""The pages that a report leads to: a run's folder and that of its report in; titles and addresses out.

[("All runs", "../../../index.html"), ("Leaderboard", "../../../leaderboard.html"),
 ("Members of traits", "../../members.html")]
"""

from pathlib import Path

from eval.report.pages import list_pages
from recipebook import project


def list_links(run: Path, folder: Path, runs: Path = project.RUNS) -> list[tuple[str, str]]:
    """The pages that there are; `folder` is where the report will stand, which may be written elsewhere first."""
    if not run.is_relative_to(runs):
        return []
    pages = {
        "All runs": runs / "index.html",
        "Leaderboard": runs / "leaderboard.html",
        f"Members of {run.parent.name}": run.parent / "members.html",
    }
    return list_pages(pages, folder / "report.html")
