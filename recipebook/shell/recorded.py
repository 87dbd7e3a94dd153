"""Recorded sessions of agents, as figures: what they earned, and how often they succeeded.

    {"sample_index": "0", "sample_status": "task_limit_reached", "evaluation_record": {"outcome": "incorrect", …}, …}

    →  SessionFigures(sessions=5, reward=-0.2, success=0.2, outcomes={"correct": 1, "incorrect": 4}, statuses={…})

Rewards follow from outcomes alone: a correct session that reached the limit of rounds is worth as much as another.
"""

from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError, format_first_error
from recipebook.frozen import Frozen
from recipebook.records import Record, place
from recipebook.rows import BadRecord
from recipebook.shell.outcomes import Outcome, reward


class SessionFigures(Frozen):
    """Of all sessions: how many there are, the mean reward, the share of correct ones, how many ended in which way."""

    sessions: int
    reward: float
    success: float
    outcomes: dict[str, int]
    statuses: dict[str, int]


class _Evaluated(BaseModel):
    outcome: Outcome


class _RecordedSession(BaseModel):
    """What is needed of a record; other fields are ignored."""

    sample_status: str
    evaluation_record: _Evaluated


def sum_sessions(records: Iterable[tuple[str, Record]]) -> SessionFigures:
    """The figures of records, each with the name of its file; a record that is no session is refused."""
    sessions = [_read(name, record) for name, record in records]
    if not sessions:
        raise UserError("no recorded sessions")
    outcomes = [session.evaluation_record.outcome for session in sessions]
    return SessionFigures(
        sessions=len(sessions),
        reward=sum(map(reward, outcomes)) / len(sessions),
        success=outcomes.count("correct") / len(sessions),
        outcomes=dict(Counter[str](outcomes)),
        statuses=dict(Counter(session.sample_status for session in sessions)),
    )


def _read(name: str, record: Record) -> _RecordedSession:
    if isinstance(record.value, BadRecord):
        raise UserError(f"{place(name, record)}: {record.value}")
    try:
        return _RecordedSession.model_validate(record.value)
    except ValidationError as error:
        raise UserError(f"{place(name, record)}: not a recorded session: {format_first_error(error)}") from None
