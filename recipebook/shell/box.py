"""One box: a Linux of its own in which bash scripts run as root, and out of which they cannot get.

    with closing(open_box(BoxSettings())) as box:
        box.run("mkdir /srv/x; ls /srv", seconds=20)  →  BoxResult(0, "x\\n", timed_out=False, cut=False, lost=False)

Each script runs as `bash -c` with the working directory /. Files and background processes stay until the box is
closed; variables and the working directory do not outlive a script.
"""

from recipebook.shell.bwrap import BwrapBox
from recipebook.shell.contract import BaseName, Box, BoxError, BoxResult, BoxSettings
from recipebook.shell.requirements import require_boxes

__all__ = ["BaseName", "Box", "BoxError", "BoxResult", "BoxSettings", "open_box"]


def open_box(settings: BoxSettings) -> Box:
    """Start a box; BoxError if this machine cannot, UserError if what it needs is not installed."""
    require_boxes()
    try:
        return BwrapBox(settings)
    except OSError as error:
        raise BoxError(f"this machine has no room for another box: {error.strerror}") from None
