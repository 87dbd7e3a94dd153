"""Columns that a recipe names for a converter: the converter that takes them, and whether the data has them.

    data.options.columns {user: questoin, assistant: answer}
    → faq.csv: no column 'questoin', which data.options.columns names; did you mean 'question'?

A converter that takes columns has an option `columns`, a model with `list_names()`.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from recipebook.errors import UserError, on_one_line
from recipebook.modules import CONVERTER, list_names, load
from recipebook.records import Record
from recipebook.suggestions import suggest

OPTION = "columns"
FIRST = 20


def choose_by_columns(options: Mapping[str, Any]) -> str:
    """The converter that takes the columns of `options`; where none does, the first that has the option."""
    modules = {name: load(CONVERTER, name) for name in list_names(CONVERTER)}
    having = [name for name, module in modules.items() if OPTION in module.Options.model_fields]
    return next((name for name in having if _takes(modules[name], options[OPTION])), having[0])


def require_columns(names: Iterable[str], records: Iterable[Record], source: str) -> None:
    """Make sure that the first records have every column, at least one of them each."""
    seen = [each.value for each in islice(records, FIRST) if isinstance(each.value, dict)]
    known = sorted({field for record in seen for field in record})
    for name in names if seen else ():
        if name not in known:
            hint = suggest(name, known)
            raise UserError(on_one_line(f"{source}: no column '{name}', which data.options.columns names{hint}"))


def _takes(module: Any, columns: Any) -> bool:
    try:
        module.Options.model_validate({OPTION: columns})
    except ValueError:
        return False
    return True
