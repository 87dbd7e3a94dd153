"""A folder under construction, locked by its builder, so that folders of killed builders are recognised and removed.

In: `.cache/data` and the name `5d0c1f`. Out: `.cache/data/.5d0c1f.x7q2.building`, gone in the end unless renamed.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recipebook.errors import NO_ROOM
from recipebook.locks import holding, lock_folder

# No folder of the user's has such a name: `make merge OUT=~/robot` builds in the home folder, beside ~/.emacs.d.
ENDING = ".building"
# Of a long name, of which a file system takes 255 bytes.
CHARS = 40
# Libraries in Rust, such as safetensors, have errors of their own: `I/O error: No space left on device (os error 28)`.
RUST = re.compile(r"\(os error (\d+)\)")


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
    except Exception as error:
        if refusal := _name_place(error, folder, parent / name):
            raise refusal from None
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _name_place(error: Exception, folder: Path, place: Path) -> OSError | None:
    """What the system refused while `folder` was built, such as a full disk, of the place that it is built for."""
    if found := RUST.search(str(error)):
        number = int(found[1])
        return OSError(number, os.strerror(number), str(place))
    if not isinstance(error, OSError) or error.errno not in NO_ROOM:
        return None
    # A file of the folder under construction is gone when its name is read.
    within = error.filename is None or Path(error.filename).is_relative_to(folder)
    return OSError(error.errno, os.strerror(error.errno), str(place)) if within else None


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f".*{ENDING}/"):
        try:
            lock = lock_folder(folder, wait=False)
        except (BlockingIOError, FileNotFoundError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)
