"""Options of a converter or metric, as a recipe or `--set` gives them, checked against the module's own `Options`.

In: `{"sytem": "You drive."}` for the converter robot. Out: its `Options`, or the one line that says what is wrong:

    converter robot: no option 'sytem'; did you mean 'system'?
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from recipebook.errors import UserError, find_first_error
from recipebook.suggestions import quote, suggest


def check_options(options: type[BaseModel], given: Mapping[str, Any], owner: str) -> BaseModel:
    """Check the options in `given`; errors call the module `owner`, as in `metric robot`."""
    try:
        return options.model_validate(dict(given))
    except ValidationError as error:
        key, first = find_first_error(error)
        if first["type"] == "extra_forbidden":
            known, name = _list_known(options, first["loc"]), str(first["loc"][-1])
            raise UserError(f"{owner}: no option '{key}'{suggest(name, known) or '; it has none'}") from None
        raise UserError(f"{owner}: option '{key}': {first['msg']}, got {quote(first['input'])}") from None


def _list_known(options: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """The names beside that of `place`, such as those in `columns` for `("columns", "usr")`."""
    model = options
    for step in place[:-1]:
        kind = model.model_fields[step].annotation if isinstance(step, str) else None
        inner = [each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel)]
        if not inner:
            return []
        model = inner[0]
    return sorted(model.model_fields)
