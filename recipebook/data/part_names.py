"""Files of a source in; a note where their names say that some of them are held out, and others train.

    ["data/train-0.parquet", "data/test-0.parquet"] → "data/test-0.parquet is read as all others are, …"

Published folders keep their parts in files side by side. All of them become one source, which is split anew.
"""

import re
from collections.abc import Sequence

_TRAIN = re.compile(r"(?:^|[/._-])train(?:ing)?(?=[/._-]|$)", re.IGNORECASE)
_HELD_OUT = re.compile(r"(?:^|[/._-])(?:test|valid|validation|val|dev|eval)(?=[/._-]|$)", re.IGNORECASE)


def note_held_out(names: Sequence[str]) -> str | None:
    """The note on the first file whose name says that it is held out; None where no other file's says train."""
    held_out = [name for name in names if _HELD_OUT.search(name) and not _TRAIN.search(name)]
    if not held_out or not any(_TRAIN.search(name) for name in names):
        return None
    return (
        f"{held_out[0]} is read as all others are, and split anew, though its name says that it is held out; "
        "data.validation and data.test take files of their own"
    )
