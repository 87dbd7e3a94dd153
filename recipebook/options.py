"""Options of a converter or metric, as a recipe or `--set` gives them, checked against the module's own `Options`.

In: `{"sytem": "You drive."}` for the converter robot. Out: its `Options`, or the one line that says what is wrong:

    converter robot: no option 'sytem'; did you mean 'system'?
"""

from collections.abc import Mapping
from typing import Any

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
            known = sorted(options.model_fields)
            raise UserError(f"{owner}: no option '{key}'{suggest(key, known) or '; it has none'}") from None
        raise UserError(f"{owner}: option '{key}': {first['msg']}, got {quote(first['input'])}") from None
