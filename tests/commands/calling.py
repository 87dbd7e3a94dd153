"""Words of a command in, its exit status out, as a shell would have it."""

from commands import main


def call(*words: str) -> int:
    """Run a command in this process; argparse ends it by an exception."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(ended.code or 0)
