"""The Debian of boxes with `base: debian`: made once by mmdebstrap, and read by every box below a layer of its own.

    build_base(…)           →  Base(suite="bookworm", sha256="9f…", packages={"bash": "5.2.15-2+b7", …}, …)
    require_base("debian")  →  .cache/shell/debian-1900000000/tree/root

apt verifies what it fetches by Debian's keys. The archive that mmdebstrap makes is unpacked as the ids of boxes, and
each file is compared with it, before the folder gets its name: a base that is there is whole. Users whose boxes have
other ids have a base of their own.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from recipebook.errors import UserError, on_one_line
from recipebook.frozen import Frozen
from recipebook.locks import holding, lock_file
from recipebook.project import CACHE, shown
from recipebook.shell.contract import BaseName, BoxError
from recipebook.shell.ids import find_ids, read_reason, start_among

SUITE = "bookworm"
# What the tasks' own image has, and what comes with it there; zsh, since two of the public tasks install it.
PACKAGES = """
adduser cron curl file git hostname less login passwd procps python3 sudo tree unzip vim wget zip zsh
""".split()  # noqa: SIM905
BUILD = "make shell-base"
CURE = "apt-get install mmdebstrap"
ERROR = re.compile(r"^E: (?!mmdebstrap failed)(.+)")

Report = Callable[[str], None]


class Base(Frozen):
    """What a base was made of, as base.json beside it has it."""

    suite: str
    sha256: str
    """Of the archive that was unpacked."""
    archive_bytes: int
    packages: dict[str, str]
    """Each package's version."""


def find_folder() -> Path:
    """Where the base of this user's boxes lies, or will."""
    first, count = find_ids()
    return CACHE / "shell" / (f"debian-{first}" if count > 1 else "debian-own")


def require_base(name: BaseName) -> Path | None:
    """The base's root folder, None for this machine's programs; UserError where it was not made."""
    if name == "host":
        return None
    folder = find_folder()
    if not (folder / "base.json").exists():
        raise UserError(f"the base {name} is not in {shown(folder)}: {BUILD}")
    return folder / "tree" / "root"


def read_base() -> Base | None:
    """What the base was made of; None where it was not built."""
    file = find_folder() / "base.json"
    return Base.model_validate_json(file.read_bytes()) if file.exists() else None


def build_base(mirror: str | None, report: Report) -> Base:
    """Make the base; UserError in one line where that fails, and nothing is left then.

    `mirror` is the address of a Debian archive in place of Debian's own. `report` gets the name of each part of the
    work as it begins, and mmdebstrap's own messages.
    """
    if not shutil.which("mmdebstrap"):
        raise UserError(f"the base debian is made by mmdebstrap, which is not installed: {CURE}")
    folder = find_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with holding(lock_file(folder.with_suffix(".lock"))):
        temporary = folder.with_suffix(".tmp")
        remove_base(temporary)
        temporary.mkdir(mode=0o700)
        try:
            base = _make(temporary, mirror, report)
        except BaseException:
            remove_base(temporary)
            raise
        remove_base(folder)
        temporary.rename(folder)
    return base


def remove_base(folder: Path) -> None:
    """Remove a base; its files belong to ids of boxes, so a process that has them empties it."""
    if (folder / "tree").exists():
        _run_among(folder / "tree", None)
    shutil.rmtree(folder, ignore_errors=True)


def _make(folder: Path, mirror: str | None, report: Report) -> Base:
    archive, tree = folder / "base.tar", folder / "tree"
    _fetch(archive, mirror, report)
    report("unpacking")
    # Only for the ids of boxes, since nobody else comes through the folder above it.
    tree.mkdir()
    tree.chmod(0o777)
    if fault := _run_among(tree, archive):
        raise UserError(f"the base debian was not unpacked: {fault}")
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    base = Base(suite=SUITE, sha256=digest, archive_bytes=archive.stat().st_size, packages=_list_packages(tree))
    archive.unlink()
    (folder / "base.json").write_text(base.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return base


def _fetch(archive: Path, mirror: str | None, report: Report) -> None:
    command = ["mmdebstrap", "--variant=apt", "--format=tar", f"--include={','.join(PACKAGES)}", SUITE, str(archive)]
    process = subprocess.Popen(
        [*command, *([mirror] if mirror else [])], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    faults: list[str] = []
    try:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("I: "):
                report(on_one_line(line[3:].strip()))
            elif found := ERROR.match(line):
                faults.append(found[1])
    finally:
        # Ctrl-C reaches mmdebstrap too, which then unmounts what it has mounted.
        code = process.wait()
    if code:
        # Each program on the way out says that the one below it failed; the first knows why.
        raise UserError(f"the base debian could not be made: {on_one_line((faults or ['no reason was given'])[0])}")


def _run_among(tree: Path, archive: Path | None) -> str | None:
    """Unpack an archive below `tree`, or empty it, as the ids of boxes; what went wrong."""
    with (archive or Path("/dev/null")).open("rb") as file:
        try:
            process, control = start_among(
                "recipebook.shell.unpacking", str(tree), "unpack" if archive else "empty", stdin=file
            )
        except BoxError as error:
            return str(error)
    with control:
        fault = read_reason(process)
        return fault if process.wait() else None


def _list_packages(tree: Path) -> dict[str, str]:
    text = (tree / "root/var/lib/dpkg/status").read_text()
    fields = re.findall(r"^Package: (\S+)$.*?^Version: (\S+)$", text, re.MULTILINE | re.DOTALL)
    return dict(sorted(fields))
