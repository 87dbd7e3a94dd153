"""`make shell-base`: a Debian for boxes with `base: debian`, made once by mmdebstrap; about two minutes and 350 MB.

It lies in .cache/shell and is used as it is from then on. FORCE=1 makes it again with Debian's newest updates, and
MIRROR=http://… takes it from another archive.
"""

import argparse

HELP = "make the Debian of boxes whose base is debian"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the packages come from."""
    parser.add_argument("--mirror", metavar="URL", help="an archive of Debian in place of its own")
    parser.add_argument("--force", action="store_true", help="make it again")


def run(arguments: argparse.Namespace) -> int:
    """Make it, unless it is there."""
    from recipebook.progress import ProgressLine
    from recipebook.project import shown
    from recipebook.shell.base import build_base, find_folder, read_base
    from recipebook.shell.requirements import require_boxes
    from recipebook.terminal import print_field

    require_boxes()
    base = None if arguments.force else read_base()
    if base is None:
        print_field("making", f"{shown(find_folder())}, once; about two minutes and 350 MB")
        line = ProgressLine("making")
        try:
            base = build_base(arguments.mirror, line.wait)
        finally:
            line.clear()
    print_field("base", f"debian: {base.suite} in {shown(find_folder())}")
    print_field("archive", f"sha256 {base.sha256}, {base.archive_bytes / 1e6:.0f} MB, {len(base.packages)} packages")
    return 0
