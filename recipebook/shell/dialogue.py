r"""The dialogue of a shell task: the turns before the agent's first, what an answer asks for, and what it is answered.

    parse_action("I delete it.\n\nAct: bash\n```bash\nrm /srv/red.txt\n```")  →  Action("bash", "rm /srv/red.txt")
    parse_action("It is done.\n\nAct: finish")                                →  Action("finish", "")
    parse_action("It is done.")                                              →  Action("invalid", "")
    observe("red.txt\n")  →  "The output of the OS:\n\nred.txt\n"

The actions are those of LifelongAgentBench: the first `Act:` decides, and all blocks of bash code in an answer are one
command.
"""

import re
from typing import Literal, NamedTuple

ROUNDS = 5
RULES = (
    "Solve a task on a Linux machine. Think, then end your answer with one action: `Act: bash` and a block of bash "
    "code, or `Act: finish` when the task is solved. You have {rounds}. Wait for the task."
)
SYSTEM = "You are a helpful assistant."
ACCEPTED = "OK."
EMPTY = "The output of the OS is empty."
CUT = "[The rest of the output was left out.]"
LOST = "The machine was ended: the command took too much memory, or broke it."

Kind = Literal["bash", "finish", "invalid"]

_ACT = re.compile(r"Act:\s*(.+)")
_BLOCK = re.compile(r"```bash\n(.*?)\n```", re.DOTALL)


class Action(NamedTuple):
    """What an answer asks for; the script is empty unless it is bash."""

    kind: Kind
    script: str


def format_rules(rounds: int = ROUNDS) -> str:
    """The rules, with the number of answers that an episode may have."""
    return RULES.format(rounds="1 round" if rounds == 1 else f"{rounds} rounds")


def open_dialogue(instruction: str, rounds: int = ROUNDS) -> list[dict[str, str]]:
    """The messages before the agent's first answer: the rules are given and accepted, then comes the task."""
    turns = [("system", SYSTEM), ("user", format_rules(rounds)), ("assistant", ACCEPTED), ("user", instruction)]
    return [{"role": role, "content": content} for role, content in turns]


def parse_action(answer: str) -> Action:
    """The action of an answer; `Act: bash` without a block of bash code is invalid, as is any other word."""
    found = _ACT.search(answer)
    word = found[1].strip() if found else ""
    if word.startswith("finish"):
        return Action("finish", "")
    blocks = _BLOCK.findall(answer)
    if word.startswith("bash") and blocks:
        return Action("bash", "\n\n".join(blocks))
    return Action("invalid", "")


def observe(output: str, ended_after: float | None = None, cut: bool = False, lost: bool = False) -> str:
    """The user's turn after a command; `ended_after` the seconds that it had, if it was ended; `lost`: so was all."""
    notes = [CUT] if cut else []
    if lost:
        notes.append(LOST)
    if ended_after is not None:
        notes.append(f"The command was ended after {ended_after:g} seconds.")
    text = "\n".join([output, *notes] if output else notes)
    return f"The output of the OS:\n\n{text}" if text else EMPTY
