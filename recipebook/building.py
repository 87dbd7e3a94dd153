"""A folder under construction, locked by its builder, so that folders of killed builders are recognised and removed.

In: `.cache/data` and the name `5d0c1f`. Out: `.cache/data/.5d0c1f.x7q2.building`, gone in the end unless renamed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipebook.locks import holding, lock_folder

# No folder of the user's has such a name: `make merge OUT=~/robot` builds in the home folder, beside ~/.emacs.d.
ENDING = ".building"
# Of a long name, of which a file system takes 255 bytes.
CHARS = 40


@contextmanager
def building(name: str, parent: Path) -> Iterator[Path]:
    """Make a folder to build in, beside its final place; folders whose builders are gone are removed first."""
    parent.mkdir(parents=True, exist_ok=True)
    with holding(lock_folder(parent)):
        # Nobody sweeps between the making and the locking.
        _sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=f".{name[:CHARS]}.", suffix=ENDING, dir=parent))
        lock = lock_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f".*{ENDING}/"):
        try:
            lock = lock_folder(folder, wait=False)
        except (BlockingIOError, FileNotFoundError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
