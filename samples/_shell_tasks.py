r"""Shell tasks of five levels: each in the words of a person, with its files, a solution, a mistake and a check.

    delete_file(rng, "/srv", ["red", "ball", …]) → MadeTask("Delete the file /srv/red.txt.", right="rm /srv/red.txt", …)

1: one command, and all that it needs is in the words. 2: the right one of several similar commands or options.
3: a tool that reads text. 4: two steps. 5: what to do is in a file or a folder, so the agent must look first.
samples/make_shell.py makes tasks and sessions of them. No task needs root, the network or a program beyond coreutils,
find, grep and sed.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from samples._robot_actions import COLORS, OBJECTS, PATHS, PLACES, ROOMS

# None is a part of another: a search for one finds it alone, and every locale sorts them alike.
WORDS = [*COLORS, *OBJECTS, *ROOMS, *PLACES, *PATHS]
MODES = ["600", "640", "644", "700", "755"]
OTHER_MODE = "666"


class MadeTask(NamedTuple):
    """A task without its number; all paths are absolute."""

    instruction: str
    thought: str
    """What a session's agent says before it acts."""
    right: str
    wrong: str
    check: str
    """Exits with 0 only where the task is solved."""
    folder: str
    files: dict[str, list[str]]
    """Each file's lines before the agent begins."""
    before: str = ""
    """A command that follows the making of the files."""
    look: tuple[str, str] | None = None
    """A command that shows what the agent must know, and its output; None: the folder's list is enough to begin."""
    complaint: str = ""
    """What the mistake prints."""
    question: tuple[str, str] | None = None
    """The same task as a question, and its answer, where it has one."""

    @property
    def skills(self) -> list[str]:
        """The programs that the solution calls."""
        return sorted({part.split()[0] for part in re.split(r"&&|\|", self.right)})


Kind = Callable[[random.Random, str, Sequence[str]], MadeTask]


def holds(path: str, lines: Sequence[str]) -> str:
    """A check that a file has exactly these lines."""
    return f"""[ "$(cat {path})" = "$(printf '{"".join(f"{line}{chr(92)}n" for line in lines)}')" ]"""


def write_word(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Put a word into a file; the mistake exchanges the two."""
    path, word = f"{folder}/{words[0]}.txt", words[1]
    return MadeTask(
        f"Write the word {word} into the file {path}.", "I write the word.", f"echo {word} > {path}",
        f"echo {words[0]} > {folder}/{word}.txt", holds(path, [word]), folder, {},
    )  # fmt: skip


def delete_file(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Delete one file; the mistake takes the others with it."""
    path, other = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt"
    return MadeTask(
        f"Delete the file {path}.", "I delete it.", f"rm {path}", f"rm {folder}/*.txt",
        f"[ ! -e {path} ] && [ -f {other} ]", folder, {path: [words[2]], other: [words[3]]},
    )  # fmt: skip


def make_file(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Make an empty file; the mistake makes a folder."""
    path = f"{folder}/{words[0]}.txt"
    return MadeTask(
        f"Make the empty file {path}.", "I make it.", f"touch {path}", f"mkdir {path}",
        f"[ -f {path} ] && [ ! -s {path} ]", folder, {},
    )  # fmt: skip


def rename_file(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Give a file another name; the mistake leaves the first."""
    path, other = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt"
    return MadeTask(
        f"Rename the file {path} to {other}.", "I rename it.", f"mv {path} {other}", f"cp {path} {other}",
        f"[ ! -e {path} ] && {holds(other, [words[2]])}", folder, {path: [words[2]]},
    )  # fmt: skip


def make_folder(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Make a folder in a folder that is not there; the mistake makes a file, and fails."""
    path = f"{folder}/{words[0]}/{words[1]}"
    return MadeTask(
        f"Make the folder {path}.", "I make it.", f"mkdir -p {path}", f"touch {path}", f"[ -d {path} ]", folder, {},
        complaint=f"touch: cannot touch '{path}': No such file or directory\n",
    )  # fmt: skip


def copy_file(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Copy a file; the mistake moves it."""
    path, other = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt"
    return MadeTask(
        f"Copy the file {path} to {other}.", "I copy it.", f"cp {path} {other}", f"mv {path} {other}",
        f"{holds(path, [words[2]])} && {holds(other, [words[2]])}", folder, {path: [words[2]]},
    )  # fmt: skip


def set_mode(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Set who may read and write a file; the mistake sets another mode."""
    path, (mode, slip) = f"{folder}/{words[0]}.txt", rng.sample(MODES, 2)
    return MadeTask(
        f"Give the file {path} the mode {mode}.", "I set the mode.", f"chmod {mode} {path}", f"chmod {slip} {path}",
        f'[ "$(stat -c %a {path})" = {mode} ]', folder, {path: [words[1]]}, f"chmod {OTHER_MODE} {path}",
    )  # fmt: skip


def count_lines(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Count the lines of a file into another; the mistake counts characters."""
    path, other, lines = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", words[2 : rng.randint(4, 8)]
    return MadeTask(
        f"Count the lines of {path} and write the number into {other}.", "I count them.", f"wc -l < {path} > {other}",
        f"wc -c < {path} > {other}", holds(other, [str(len(lines))]), folder, {path: [*lines]},
        question=(f"How many lines has the file {path}?", str(len(lines))),
    )  # fmt: skip


def append_word(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Add a line to a file; the mistake writes it in place of the others."""
    path, word, lines = f"{folder}/{words[0]}.txt", words[1], [*words[2:4]]
    return MadeTask(
        f"Add the word {word} at the end of the file {path}.", "I add the word.", f"echo {word} >> {path}",
        f"echo {word} > {path}", holds(path, [*lines, word]), folder, {path: lines},
    )  # fmt: skip


def link_file(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Make a symbolic link; the mistake makes a hard one."""
    path, other = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt"
    return MadeTask(
        f"Make {other} a symbolic link to {path}.", "I link it.", f"ln -s {path} {other}", f"ln {path} {other}",
        f'[ "$(readlink {other})" = {path} ]', folder, {path: [words[2]]},
    )  # fmt: skip


def select_lines(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Keep the lines with a word; the mistake keeps the others."""
    path, other, word = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", words[2]
    lines = [f"{word} {words[3]}", words[4], f"{word} {words[5]}", words[6], words[7]]
    rng.shuffle(lines)
    return MadeTask(
        f"Write the lines of {path} that contain {word} into {other}.", "I select them.",
        f"grep {word} {path} > {other}", f"grep -v {word} {path} > {other}",
        holds(other, [line for line in lines if line.startswith(word)]), folder, {path: lines},
    )  # fmt: skip


def count_word(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Count the lines with a word; the mistake counts the others."""
    path, other, word = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", words[2]
    lines = [word] * rng.choice([2, 4, 5]) + [*words[3:6]]
    rng.shuffle(lines)
    return MadeTask(
        f"Count the lines of {path} that contain {word} and write the number into {other}.", "I count them.",
        f"grep -c {word} {path} > {other}", f"grep -vc {word} {path} > {other}",
        holds(other, [str(lines.count(word))]), folder, {path: lines},
        question=(f"How many lines of the file {path} contain {word}?", str(lines.count(word))),
    )  # fmt: skip


def sort_lines(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Sort a file; the mistake sorts it backwards."""
    path, other, lines = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", [*words[2:6]]
    lines = lines[::-1] if lines == sorted(lines) else lines
    return MadeTask(
        f"Sort the lines of {path} into the file {other}.", "I sort them.", f"sort {path} > {other}",
        f"sort -r {path} > {other}", holds(other, sorted(lines)), folder, {path: lines},
    )  # fmt: skip


def take_lines(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Take the first lines of a file; the mistake takes the last."""
    path, other, number = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", rng.randint(2, 4)
    return MadeTask(
        f"Write the first {number} lines of {path} into {other}.", "I take them.",
        f"head -n {number} {path} > {other}", f"tail -n {number} {path} > {other}",
        holds(other, words[2 : 2 + number]), folder, {path: [*words[2:8]]},
    )  # fmt: skip


def replace_word(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Replace a word in a file; the mistake replaces the other."""
    path, old, new = f"{folder}/{words[0]}.txt", words[1], words[2]
    lines = [old, words[3], f"{words[4]} {old}"]
    return MadeTask(
        f"Replace the word {old} by {new} in the file {path}.", "I replace it.", f"sed -i s/{old}/{new}/ {path}",
        f"sed -i s/{new}/{old}/ {path}", holds(path, [line.replace(old, new) for line in lines]), folder,
        {path: lines},
    )  # fmt: skip


def copy_into_folder(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Make a folder and copy a file into it; the mistake moves the file."""
    path, new = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}"
    return MadeTask(
        f"Make the folder {new} and copy the file {path} into it.", "I make it and copy.",
        f"mkdir {new} && cp {path} {new}", f"mkdir {new} && mv {path} {new}",
        f"{holds(path, [words[2]])} && {holds(f'{new}/{words[0]}.txt', [words[2]])}", folder, {path: [words[2]]},
    )  # fmt: skip


def write_with_mode(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Write a file and set its mode; the mistake sets another."""
    path, word, (mode, slip) = f"{folder}/{words[0]}.txt", words[1], rng.sample(MODES, 2)
    write = f"echo {word} > {path}"
    return MadeTask(
        f"Write the word {word} into the file {path} and give it the mode {mode}.", "I write it and set the mode.",
        f"{write} && chmod {mode} {path}", f"{write} && chmod {slip} {path}",
        f'{holds(path, [word])} && [ "$(stat -c %a {path})" = {mode} ]', folder, {},
    )  # fmt: skip


def count_different(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Count the different lines of a file; the mistake counts all."""
    path, other, different = f"{folder}/{words[0]}.txt", f"{folder}/{words[1]}.txt", words[2 : rng.randint(4, 6)]
    lines = [*different, *rng.choices(different, k=3)]
    rng.shuffle(lines)
    return MadeTask(
        f"Count the different lines of {path} and write the number into {other}.", "I count each once.",
        f"sort -u {path} | wc -l > {other}", f"sort {path} | wc -l > {other}",
        holds(other, [str(len(different))]), folder, {path: lines},
        question=(f"How many different lines has the file {path}?", str(len(different))),
    )  # fmt: skip


def move_logs(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Move all logs into a folder of their own; the mistake copies them."""
    place = f"{folder}/{words[0]}"
    logs, new = [f"{place}/{word}.log" for word in words[1:3]], f"{place}/{words[4]}"
    moved = " && ".join(f"[ ! -e {log} ] && [ -f {new}/{log.rpartition('/')[2]} ]" for log in logs)
    kept = f"{place}/{words[3]}.txt"
    return MadeTask(
        f"Make the folder {new} and move all log files of {place} into it.", "I make it and move them.",
        f"mkdir {new} && mv {place}/*.log {new}", f"mkdir {new} && cp {place}/*.log {new}",
        f"{moved} && [ -f {kept} ]", place, {**{log: [words[5]] for log in logs}, kept: [words[6]]},
    )  # fmt: skip


def follow_note(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Delete the file that a note names; the mistake deletes the note."""
    place = f"{folder}/{words[0]}"
    note, named, other = (f"{place}/{word}.txt" for word in words[1:4])
    return MadeTask(
        f"The file {note} has the name of another file in {place}. Delete that other file.", "I delete it.",
        f"rm {named}", f"rm {note}", f"[ ! -e {named} ] && [ -f {note} ] && [ -f {other} ]", place,
        {note: [f"{words[2]}.txt"], named: [words[4]], other: [words[5]]}, look=(f"cat {note}", f"{words[2]}.txt\n"),
    )  # fmt: skip


def delete_empty(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Delete the one file without lines; the mistake deletes another."""
    place = f"{folder}/{words[0]}"
    empty, other, third = (f"{place}/{word}.txt" for word in words[1:4])
    return MadeTask(
        f"One file in {place} is empty. Delete it.", "I delete it.", f"rm {empty}", f"rm {other}",
        f"[ ! -e {empty} ] && [ -f {other} ] && [ -f {third} ]", place,
        {empty: [], other: [words[4]], third: [words[5]]}, look=(f"find {place} -empty", f"{empty}\n"),
    )  # fmt: skip


def copy_largest(rng: random.Random, folder: str, words: Sequence[str]) -> MadeTask:
    """Copy the largest file of a folder; the mistake copies the smallest."""
    place, path = f"{folder}/{words[0]}", f"{folder}/{words[1]}.txt"
    large, middle, small = words[2:5]
    files = {f"{place}/{name}.txt": [words[5]] * lines for name, lines in ((large, 3), (middle, 2), (small, 1))}
    return MadeTask(
        f"Copy the largest file of {place} to {path}.", "I copy it.", f"cp {place}/{large}.txt {path}",
        f"cp {place}/{small}.txt {path}", holds(path, [words[5]] * 3), place, files,
        look=(f"ls -S {place}", f"{large}.txt\n{middle}.txt\n{small}.txt\n"),
    )  # fmt: skip


LEVELS: dict[int, list[Kind]] = {
    1: [write_word, delete_file, make_file, rename_file],
    2: [make_folder, copy_file, set_mode, count_lines, append_word, link_file],
    3: [select_lines, count_word, sort_lines, take_lines, replace_word],
    4: [copy_into_folder, write_with_mode, count_different, move_logs],
    5: [follow_note, delete_empty, copy_largest],
}
NEEDED = 8
"""How many different words a kind takes at most."""
