"""Whether this machine can have boxes: tests that need one are skipped, with the reason, where it cannot."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.shell.box import BoxError, BoxSettings, open_box


def _explain_missing() -> str | None:
    try:
        open_box(BoxSettings()).close()
    except (BoxError, UserError) as error:
        return str(error)
    return None


MISSING = _explain_missing()
needs_boxes = pytest.mark.skipif(MISSING is not None, reason=f"no box can be had here: {MISSING}")


def read_commands() -> Iterator[bytes]:
    """The command lines of all processes of the machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()
