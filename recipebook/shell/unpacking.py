"""Unpacks the archive of a base as the ids of boxes: `python -m recipebook.shell.unpacking FD IDS OWNER FOLDER unpack`.

    in:   the archive as standard input, and FOLDER, which is empty
    out:  FOLDER/root with its files, each compared with the archive; what went wrong as the last line on stderr

With `empty` as its last word it removes FOLDER/root, whose files belong to ids that their user may not remove.
"""

import os
import shutil
import socket
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO

from recipebook.shell.spawner import enter_namespace

ROOT = Path("root")
# Devices cannot be made without the machine's root, and boxes have their own.
DEVICES = "./dev/"
# What tasks call, and what runs the agent.
PROGRAMS = """
bash chgrp chown cron curl file find git grep groupadd gzip hostname less passwd pgrep ps python3 sudo tar tree unzip
useradd vi vim wget zip zsh
""".split()  # noqa: SIM905


def unpack(archive: IO[bytes]) -> None:
    """Unpack below the working directory; OSError where a file differs or a program is missing."""
    ROOT.mkdir(mode=0o755)
    command = ["tar", "--extract", "--file=-", f"--directory={ROOT}", "--numeric-owner", "--preserve-permissions"]
    subprocess.run([*command, f"--exclude={DEVICES}*"], stdin=archive, check=True)
    archive.seek(0)
    if differing := find_differing(archive):
        raise OSError(f"{differing} was not unpacked as the archive has it")
    script = "".join(f"command -v {name} || echo missing: {name}\n" for name in PROGRAMS)
    found = subprocess.run(["chroot", ROOT, "/bin/bash", "-c", script], capture_output=True, text=True, check=True)
    if missing := [line for line in found.stdout.splitlines() if line.startswith("missing")]:
        raise OSError(", ".join(missing))


def find_differing(archive: IO[bytes]) -> str | None:
    """The first file or link whose content is not the archive's."""
    with tarfile.open(fileobj=archive, mode="r:") as members:
        for member in members:
            if member.name.startswith(DEVICES):
                continue
            path = ROOT / member.name
            if member.issym() and str(path.readlink()) != member.linkname:
                return member.name
            if member.isreg():
                content = members.extractfile(member)
                if content is None or path.is_symlink() or path.read_bytes() != content.read():
                    return member.name
    return None


def main() -> None:
    """Unpack or empty the folder, in a namespace of its own."""
    descriptor, ids, owner = map(int, sys.argv[1:4])
    folder, action = sys.argv[4:]
    # It may lie where only the user comes, so it is entered before the user is left.
    os.chdir(folder)
    with socket.socket(fileno=descriptor) as control:
        enter_namespace(control, ids, owner)
    if action == "unpack":
        unpack(os.fdopen(0, "rb"))
    else:
        shutil.rmtree(ROOT)


if __name__ == "__main__":
    main()
