"""Whether this machine can have boxes: tests that need one are skipped, with the reason, where it cannot."""

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
