"""A converter of converters/: found by its file's name, by the columns that a recipe names, or by the first records.

find_converter("robot") → the converter of converters/robot.py: what it reads, and how it turns a record into rows
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel

from recipebook.data.account import find_limit
from recipebook.data.code_digest import digest_module
from recipebook.data.columns import OPTION as COLUMNS
from recipebook.data.columns import choose_by_columns, require_columns
from recipebook.data.fields import Fields, Shapes
from recipebook.data.recognise import choose
from recipebook.data.split import Leak
from recipebook.modules import AUTO, CONVERTER, load
from recipebook.options import check_options
from recipebook.records import Record
from recipebook.rows import Row
from recipebook.sources.inputs import Input

Join = Callable[[Iterable[Record]], Iterator[Record]]
"""Optional step of a converter: adds to each record of a source the values that its row needs from other records."""


class Converter(NamedTuple):
    """A module of converters/."""

    name: str
    options: type[BaseModel]
    convert: Callable[[dict[str, Any], Any], list[Row]]
    hash_code: Callable[[], str]
    """Hash its code and what that builds on; it takes longer than a small file."""
    choose_join: Callable[[Any], Join | None] = lambda _: None
    """The step that the options choose; None if no record needs another."""
    strengths: tuple[str, ...] = ()
    """Names of numbers in its rows' meta; its options may leave out rows in which such a number is low."""
    fields: Fields | Shapes | None = None
    """What it reads of a record; None: it does not say."""
    notes: Mapping[str, str] = MappingProxyType({})
    """Names of numbers in its rows' meta to what they say of a row, for the notes of the account."""
    leak: Leak = "prompt"
    """What a train row must not share with held-out rows."""
    choose_fields: Callable[[Any], Fields | Shapes | None] = lambda _: None
    """What it reads of a record where the options decide that; None where they do not."""


@cache
def find_converter(name: str) -> Converter:
    """Load converters/<name>.py."""
    module = load(CONVERTER, name)
    own = vars(module)
    found = Converter(name, module.Options, module.convert, partial(digest_module, module))
    declared = {key.lower(): own[key] for key in ("STRENGTHS", "FIELDS", "LEAK", "NOTES") if key in own}
    chosen = {key: own[key] for key in ("choose_join", "choose_fields") if key in own}
    return found._replace(**declared, **chosen)


def choose_converter(
    name: str,
    source: str,
    inputs: list[Input],
    notes: dict[str, str],
    options: Mapping[str, Any],
    rejects: int | str,
) -> Converter:
    """Load the converter of that name; `auto` is settled by the columns in `options` or by the source's first records,
    of which some may be rejected, and noted."""
    if options.get(COLUMNS) is not None:
        found = find_converter(choose_by_columns(options) if name == AUTO else name)
        columns: Any = dict(check_options(found.options, options, f"converter {found.name}"))[COLUMNS]
        require_columns(columns.list_names(), inputs[0].read({}), inputs[0].name)
        notes["converter"] = f"{source}: converter {found.name}: data.options.columns names its columns"
        return found
    if name != AUTO:
        return find_converter(name)
    choice = choose(inputs[0].read({}), inputs[0].name, may_reject=find_limit(rejects, 1) > 0)
    notes["converter"] = f"{source}: {choice.reason}"
    return find_converter(choice.name)
