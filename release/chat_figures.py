"""Logged chats in; simple figures of their quality, which need no model and no judge, out.

conversations  12       turns of the user  2.4 a conversation, at most 6      answers  29
empty  1     cut off  3     the same as the answer before  2     the user repeats a turn  1     rated  10 up, 2 down
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean, median

from release.feedback import BAD, GOOD
from release.rated_chats import Chat


def list_figures(chats: Sequence[Chat]) -> list[tuple[str, str]]:
    """The figures' names and values, as they are printed."""
    turns = [_list_texts(chat, "user") for chat in chats]
    said = [[answer.text for answer in chat.answers] for chat in chats]
    answers = [text for texts in said for text in texts]
    scores = [one.score for chat in chats for one in chat.answers]
    good, bad = (sum(score is not None and fits(score) for score in scores) for fits in (_is_good, _is_bad))
    lengths = [len(text) for text in answers] or [0]
    return [
        ("conversations", str(len(chats))),
        ("turns of the user", f"{mean(map(len, turns)):.1f} a conversation, at most {max(map(len, turns))}"),
        ("answers", f"{len(answers)}, of {median(lengths):.0f} characters (median), at most {max(lengths)}"),
        ("empty answers", str(sum(not text.strip() for text in answers))),
        ("cut off", str(sum(chat.truncated for chat in chats))),
        ("same as the answer before", str(sum(map(_count_repeats, said)))),
        ("user says the same again", str(sum(map(_count_repeats, turns)))),
        ("ratings", f"{good} good, {bad} bad, {sum(score is None for score in scores)} without"),
    ]


def _is_good(score: float) -> bool:
    return score >= GOOD


def _is_bad(score: float) -> bool:
    return score <= BAD


def _list_texts(chat: Chat, role: str) -> list[str]:
    return [str(one.get("content")) for one in chat.messages if one["role"] == role]


def _count_repeats(texts: Sequence[str]) -> int:
    return sum(one.strip() == other.strip() for one, other in pairwise(texts))
