"""Where things lie in a checkout, and a path as messages show it."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
RECIPES = PROJECT / "recipes"
TEMPLATES = PROJECT / "templates"
CHAT_TEMPLATES = TEMPLATES / "chat"
RUNS = PROJECT / "runs"
CACHE = PROJECT / ".cache"


def shown(path: Path) -> str:
    """A path as messages show it: from the project's folder where it lies inside."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
