"""The commands: `python -m recipebook COMMAND`, which the Makefile calls by shorter names.

`python -m recipebook human-eval robot-lora` runs commands/human_eval.py. A command's file is called as the command is,
with _ for -, and has `HELP`, its line in the list of commands; `add_arguments(parser)`; and `run(arguments)`, which
returns the exit status. It imports what it needs when it runs, so that help, check and runs stay as quick as they look.
"""

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from commands._interrupts import LINE, STOPPED, answering_interrupts
from recipebook.errors import UserError, format_refusal, on_one_line
from recipebook.suggestions import shorten, suggest
from recipebook.terminal import clean_output

Command = Callable[[argparse.Namespace], int]
HELP = re.compile(r'^HELP = "(.*)"$', re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a run failed, 2 the user's mistake (one line each), 130 stopped."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with clean_output(), answering_interrupts():
            parsed = parse_words(words)
            # In a pipe or a log, lines appear when they are printed, and before later lines on stderr. Characters that
            # the terminal's encoding lacks are written by their numbers.
            sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
            return run_command(parsed)
    except KeyboardInterrupt:
        print(LINE, file=sys.stderr)
        return STOPPED


def run_command(parsed: argparse.Namespace) -> int:
    """Run the command that was parsed; its exit status."""
    command: Command = parsed.command
    try:
        return command(parsed)
    except UserError as error:
        print(_escape_words(str(error), parsed), file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has gone (`make runs | head`); the interpreter must not complain of it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ImportError, OSError, UnicodeError, RecursionError) as error:
        if not (line := describe_refusal(error)):
            raise
        print(line, file=sys.stderr)
        return 2


def _escape_words(text: str, parsed: argparse.Namespace) -> str:
    """A message in which words of the command, such as a path, break no line."""
    given = [each for value in vars(parsed).values() for each in (value if isinstance(value, list) else [value])]
    for word in given:
        if isinstance(word, str) and not word.isprintable():
            text = text.replace(word, on_one_line(word))
    return text


def describe_refusal(error: ImportError | OSError | UnicodeError | RecursionError) -> str | None:
    """What the system or Python refuses, on one line: `out/rows.jsonl: No space left on device`; None if unknown."""
    if isinstance(error, ImportError):
        return describe_missing(error)
    if isinstance(error, OSError):
        return format_refusal(error)
    if isinstance(error, RecursionError):
        return "something in the input is nested too deeply"
    if isinstance(error, UnicodeEncodeError | UnicodeDecodeError):
        return f"'{on_one_line(shorten(str(error.object)))}': not UTF-8, so it cannot be read or written"
    return None


def describe_missing(error: ImportError) -> str | None:
    """A library that this environment lacks: the light one has no torch, for example; None for any other failure."""
    library = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or find_spec(library):
        return None
    return f"this command needs the library '{library}', which make setup installs"


class CommandParser(argparse.ArgumentParser):
    """Prints what is wrong with the words of a command on one line, as all other errors are."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Refuse what this command does not know, where its own options are at hand to name the nearest."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            word = unknown[0].partition("=")[0]
            known = [option for action in self._actions for option in action.option_strings]
            self.error(f"unknown {shorten(word)}{suggest(word, known) if word.startswith('-') else ''}")
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"{self.prog}: {on_one_line(message)}\n")


def _text(word: str) -> str:
    if not word:
        raise argparse.ArgumentTypeError("an empty word")
    return word


def parse_words(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command line to its command and options; anything unknown ends with status 2."""
    chosen = words[0] if words else None
    parser = build_parser(chosen)
    if chosen and not chosen.startswith("-") and chosen not in (known := list(list_files())):
        parser.error(f"no command '{shorten(chosen)}'{suggest(chosen, known) or '; recipebook --help lists them'}")
    return parser.parse_args(words)


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """The chosen command with its options; the list of all if none is chosen, or one that does not exist.

    Options are written out: `--seed 3` would be taken for `--seeds 3` and train a fleet.
    """
    parser = CommandParser(prog="recipebook", description="A recipe runner on top of Axolotl.", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    files = list_files()
    if chosen in files:
        module = import_module(f"commands.{files[chosen].stem}")
        command = commands.add_parser(chosen, help=module.HELP, description=module.HELP, allow_abbrev=False)
        # An empty word, as of a shell's variable that is not set, would be the path of the folder in which one stands.
        command.register("type", None, _text)
        command.register("type", Path, lambda word: Path(_text(word)))
        module.add_arguments(command)
        command.set_defaults(command=module.run)
    else:
        for name, file in files.items():
            commands.add_parser(name, help=read_help(file), add_help=False)
    return parser


def list_files() -> dict[str, Path]:
    """The commands and their files; one that begins with an underscore only helps the others."""
    return {path.stem.replace("_", "-"): path for path in sorted(Path(__file__).parent.glob("[!._]*.py"))}


def read_help(file: Path) -> str:
    """A command's line, read from its source: to import all commands for their list takes a quarter longer."""
    found = HELP.search(file.read_text(encoding="utf-8"))
    return found[1] if found else ""
