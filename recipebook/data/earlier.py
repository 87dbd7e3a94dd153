"""Earlier names of the same work: a converter's code and settings in, the names of folders made then out.

Cached rows were once named by the converter's source, word for word, and by every key of `data`. A converter that does
today what it did then is listed here under both hashes, so that none of its rows are made again.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from recipebook.files import digest
from recipebook.recipe.data_keys import Data

# The hash of the code today, and that of the code whose work it does: converters, then kinds of stages.
EARLIER_CODE: Mapping[str, str] = MappingProxyType({})
# The keys of `data` at that time; a recipe with other keys cannot have such rows.
KEYS: Mapping[str, Any] = {
    **dict.fromkeys(("source", "validation", "test", "converter", "where", "rejects"), True),
    "split": {"validation", "test", "by", "file", "seed"},
    "weights": {"field", "values"},
    "only": {"field", "values"},
}


def name_earlier_folders(form: str, code: str, data: Data, options: BaseModel, sources: Iterable[str]) -> list[str]:
    """The names under which the same rows may lie in the cache."""
    given = data.model_dump(exclude={"options"}, exclude_defaults=True)
    if code not in EARLIER_CODE or given != data.model_dump(include=dict(KEYS), exclude_defaults=True):
        return []
    keys = {key: value for key, value in KEYS.items() if key != "where" or data.where}
    settings = data.model_dump_json(include=keys) + options.model_dump_json()
    return [digest(form, EARLIER_CODE[code], settings, *sources)]


def name_todays_code(earlier: str) -> str:
    """The hash of the code that does what the code of an earlier hash did; where none does, the earlier hash."""
    return next((today for today, known in EARLIER_CODE.items() if known == earlier), earlier)
