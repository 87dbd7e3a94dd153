"""`converter: auto`: chooses the converter that recognises a source's first records, and gives the reason.

In: `{"input": "stop", "output": "robot.stop()"}` and its like. Out: the name `robot` and the reason:

    converter robot: 20 of the first 20 records have 'input' and calls such as robot.stop() in 'output'

A converter that takes part has `recognise(record)`, which returns the reason or None, and `WANTS`, the records that it
expects in words, for the message when no converter fits. One that names others in `SPECIAL_CASE_OF` reads their
records as well, and wins over them by a single record. One that names others in `PREFERRED_TO` wins over them for the
records that both recognise, and for the file if those are half of the first records. One that names others in
`INSTEAD_OF` wins over them for the records that both recognise and reads no others of theirs: a file that has both is
mixed, which is an error that says how many records are whose, unless rejects are allowed: then the converter of more
than half of the records is chosen, and the limit of rejects decides about the others.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from recipebook.errors import UserError, on_one_line
from recipebook.modules import AUTO, CONVERTER, list_names, load
from recipebook.records import Record, place
from recipebook.rows import BadRecord

FIRST = 20
MOST_FIELDS = 5
LONGEST_FIELD = 20


class Family(NamedTuple):
    """A converter that can be recognised."""

    name: str
    recognise: Callable[[dict[str, Any]], str | None]
    wants: str
    special_case_of: tuple[str, ...]
    preferred_to: tuple[str, ...]
    instead_of: tuple[str, ...]


class ConverterChoice(NamedTuple):
    """The converter chosen, and why."""

    name: str
    reason: str


def choose(records: Iterable[Record], source: str, *, may_reject: bool = False) -> ConverterChoice:
    """Choose by the first records of a file; an error if no converter fits, or several.

    With `may_reject`, a file that is mixed is read by the converter of most of these records, which rejects the others.
    """
    families = [family for name in list_names(CONVERTER) if (family := _load(name))]
    first = list(islice(records, FIRST))
    seen = [each.value for each in first if isinstance(each.value, dict)]
    matches = [_match(families, record) for record in seen]
    counts = Counter(name for each in matches for name in each)
    # A family of a few records leaves them to the one that reads the others as well.
    weak = {family.name for family in families if counts[family.name] * 2 < len(seen)}
    votes, reasons = Counter[str](), dict[str, str]()
    for found in matches:
        for name in found.keys() - _list_beaten(families, found, weak):
            votes[name] += 1
            reasons.setdefault(name, found[name])
    # A dialogue file may hold chats without a call: those are of the special case's family as well.
    covered = {name for family in families for name in _list_covered(family, votes[family.name], len(seen))}
    fitting = sorted(name for name in votes if name not in covered)
    recognised = sum(votes[name] for name in votes)
    if len(fitting) > 1 and may_reject:
        read = {each.name: votes[each.name] + _count_covered(each, votes, len(seen)) for each in families}
        most = max(fitting, key=lambda name: read[name])
        if read[most] * 2 > len(seen):
            others = f"{len(seen) - read[most]} of them are of other kinds, and may be rejected"
            return ConverterChoice(
                most, f"converter {most} reads {read[most]} of the first {len(seen)} records; {others}"
            )
    if len(fitting) != 1 or recognised * 2 < len(seen):
        kinds = [f"{count} {reasons[name]} (converter {name})" for name, count in votes.most_common()]
        mixture = kinds if len(fitting) > 1 else []
        raise UserError(on_one_line(_format_failure(source, first, mixture, recognised)))
    name = fitting[0]
    reason = f"{votes[name]} of the first {len(seen)} records {reasons[name]}"
    return ConverterChoice(name, f"converter {name}: {reason}")


def _match(families: list[Family], record: dict[str, Any]) -> dict[str, str]:
    """The families that recognise a record, and how."""
    return {family.name: reason for family in families if (reason := family.recognise(record))}


def _list_beaten(families: list[Family], found: dict[str, str], weak: set[str]) -> set[str]:
    """The families that give way to another one that recognises the same record."""
    beaten: set[str] = set()
    for family in families:
        if family.name in found:
            beaten.update(family.special_case_of, family.instead_of)
            if family.name not in weak:
                beaten.update(family.preferred_to)
            elif not found.keys().isdisjoint(family.preferred_to):
                beaten.add(family.name)
    return beaten


def _list_covered(family: Family, votes: int, seen: int) -> tuple[str, ...]:
    """The families that give way to one with this number of votes."""
    preferred = family.preferred_to if votes and votes * 2 >= seen else ()
    return (*family.special_case_of, *preferred) if votes else ()


def _count_covered(family: Family, votes: Counter[str], seen: int) -> int:
    return sum(votes[other] for other in _list_covered(family, votes[family.name], seen))


def _load(name: str) -> Family | None:
    module = load(CONVERTER, name)
    if not hasattr(module, "recognise"):
        return None
    own = vars(module)
    others = [own.get(key, ()) for key in ("SPECIAL_CASE_OF", "PREFERRED_TO", "INSTEAD_OF")]
    return Family(name, module.recognise, module.WANTS, *others)


def _format_failure(source: str, first: list[Record], mixture: list[str], recognised: int) -> str:
    """Why none was chosen; `mixture` has how many records are of each kind, where they are of several."""
    unreadable = [each for each in first if isinstance(each.value, BadRecord)]
    seen = [each.value for each in first if isinstance(each.value, dict)]
    broken = f"{place(source, unreadable[0])}: {unreadable[0].value}" if unreadable else ""
    if unreadable and len(unreadable) >= len(seen) - recognised:
        return f"{broken} ({len(unreadable)} of the first {len(first)} records cannot be read)"
    if mixture:
        mixed = f"{source}: its first {len(seen)} records are mixed: {', '.join(mixture)}"
        return f"{mixed}; make a file of each kind, name one converter in place of '{AUTO}', or allow rejects"
    some = f"a converter recognises {recognised} of its first {len(seen)} records"
    some = some if recognised else "no converter recognises its first records"
    fields = Counter(_shorten(field) for record in seen for field in record)
    names = ", ".join(f"'{field}'" for field, _ in fields.most_common(MOST_FIELDS)) or "no field"
    hint = f"; and {broken}" if broken else "; name one of docs/data.md, or map them with data.options.columns"
    return f"{source}: {some}, which have {names}{hint}"


def _shorten(field: str) -> str:
    return field if len(field) <= LONGEST_FIELD else f"{field[:LONGEST_FIELD]}…"
