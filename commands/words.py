"""Names for shell completion (commands/recipebook.bash asks for them): commands, recipes, profiles, runs."""

from recipebook.project import PROJECT
from recipebook.recipe import resolve
from recipebook.run import rundir


def list_words(kind: str) -> list[str]:
    """The names of one kind, sorted."""
    if kind == "commands":
        makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
        goals = next(line for line in makefile.splitlines() if line.startswith(".PHONY:"))
        return sorted(goals.removeprefix(".PHONY:").split())
    if kind == "recipes":
        return resolve.list_recipes()
    if kind == "profiles":
        return resolve.list_profiles()
    return sorted({name for run, manifest in rundir.list_readable() for name in (run.name, manifest.recipe)})
