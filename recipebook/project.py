"""Where things lie: in the installation, or in the project whose folder one stands in; and a path as messages show it.

The installation is the checkout of this code, with the recipes, templates, converters and samples that it ships. A
project has recipes/, data/ and runs/ of its own. In the checkout itself both are one folder.

    find_root("samples/robot.json")   →  the project if it has that file, else the installation if it has it
"""

import glob
import os
import sys
from pathlib import Path

from recipebook.errors import UserError, on_one_line

INSTALLATION = Path(__file__).resolve().parents[1]
# Names the project's folder to processes that run in other folders; users may set it too.
VARIABLE = "RECIPEBOOK_PROJECT"


def find_project(here: Path) -> Path:
    """The nearest folder from `here` upwards that has recipes/ and runs/; `here` itself if none has."""
    return next((folder for folder in (here, *here.parents) if _is_project(folder)), here)


def _is_project(folder: Path) -> bool:
    return (folder / "recipes").is_dir() and (folder / "runs").is_dir()


PROJECT = Path(os.environ[VARIABLE]).resolve() if VARIABLE in os.environ else find_project(Path.cwd())
RUNS = PROJECT / "runs"
CACHE = PROJECT / ".cache"
# As commands print it for copying.
PYTHON = ".venv/bin/python" if PROJECT == INSTALLATION else sys.executable
TEMPLATES = INSTALLATION / "templates"
CHAT_TEMPLATES = TEMPLATES / "chat"


def list_roots(root: Path = PROJECT) -> tuple[Path, ...]:
    """The folders in which names are looked up, the first that has a name wins; any other than the project is alone."""
    return (root, INSTALLATION) if root == PROJECT and root != INSTALLATION else (root,)


def find_root(name: str, root: Path) -> Path:
    """The folder in which a path or pattern of a recipe is looked up; `root` where nothing fits in any."""
    return next((each for each in list_roots(root) if _fits(name, each)), root)


def locate(name: str | Path, root: Path = PROJECT) -> Path:
    """The file or folder that a recipe names."""
    return find_root(str(name), root) / name


def shown(path: Path) -> str:
    """A path as messages show it: from the project's folder where it lies inside."""
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)


def require_runs(runs: Path = RUNS) -> None:
    """Refuse a folder of runs that cannot be listed: without it, it would seem that there are no runs yet."""
    try:
        os.scandir(runs).close()
    except FileNotFoundError:
        if runs.is_symlink():
            target = on_one_line(str(runs.readlink()))
            raise UserError(f"{shown(runs)} is a link to {target}, which is not there; is its disk mounted?") from None


def name_path(path: Path) -> str:
    """A path as a run's record keeps it, to be found again by `locate`: what is shipped, from the installation."""
    of = next((root for root in list_roots() if path.is_relative_to(root)), None)
    return str(path.relative_to(of)) if of else str(path)


def _fits(name: str, root: Path) -> bool:
    # os.path says False of a name that no file can have; a pattern may be absolute, which Path.glob refuses.
    if os.path.exists(root / name):  # noqa: PTH110
        return True
    return glob.has_magic(name) and next(glob.iglob(name, root_dir=root, recursive=True), None) is not None  # noqa: PTH207
