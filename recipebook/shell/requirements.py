"""What boxes need of a machine, and what to install where it is missing.

    list_missing()  →  ["bubblewrap: apt-get install bubblewrap"]

Without bubblewrap or user namespaces no script is ever run: there is no way around the box.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from recipebook.errors import UserError
from recipebook.shell.entering import MOST_NAMESPACES, PERL
from recipebook.shell.ids import ALL_IDS, find_ids
from recipebook.shell.seccomp import MACHINES

# Ubuntu since 23.10 lets only programs with a profile of AppArmor use user namespaces.
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
OVERLAY_SINCE = (5, 11)


def list_missing() -> list[str]:
    """What this machine lacks, a line each with its cure; empty where boxes have all that they can use."""
    return [*_list_vital(os.environ.get("PATH")), *_list_useful()]


def require_boxes() -> None:
    """UserError if this machine cannot have boxes at all; one that can is looked at once."""
    _require_boxes(os.environ.get("PATH"))


@cache
def find_bwrap(path: str | None) -> str | None:
    """Where bubblewrap is, for this value of PATH."""
    return shutil.which("bwrap", path=path)


@cache
def _require_boxes(path: str | None) -> None:
    if missing := next(_list_vital(path), None):
        raise UserError(f"shell tasks cannot run here, since nothing runs outside a box: {missing}")


def describe_ids() -> str:
    """Whose ids the processes of a box have, for people."""
    first, count = find_ids()
    if count == ALL_IDS:
        return f"{count:,} ids of nobody, from {first} on"
    return "only this user's own id, so chown and useradd fail in boxes"


def _list_vital(path: str | None) -> Iterator[str]:
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        yield f"boxes need Linux on {' or '.join(MACHINES)}, and this is {platform.system()} on {platform.machine()}"
        return
    if not shutil.which("bwrap", path=path):
        yield "bubblewrap: apt-get install bubblewrap"
    if not Path(PERL).exists():
        yield f"{PERL}, which runs the agent in a box: apt-get install perl"
    release = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdecimal())
    if release < OVERLAY_SINCE:
        yield f"a kernel of {'.'.join(map(str, OVERLAY_SINCE))} or later, for overlays in user namespaces"
    if _read_number(Path(MOST_NAMESPACES)) == 0:
        yield "user namespaces: sysctl user.max_user_namespaces=65536"
    if os.geteuid() and _read_number(APPARMOR):
        yield "user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0"


def _list_useful() -> Iterator[str]:
    if os.geteuid() and find_ids()[1] != ALL_IDS:
        if not shutil.which("newuidmap"):
            yield "uidmap, without which a box has one id only: apt-get install uidmap"
        ids = "100000-165535"
        yield f"65,536 ids in /etc/subuid and /etc/subgid: usermod --add-subuids {ids} --add-subgids {ids}"


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
