"""A publication in; what in it does not agree with its own rows and hashes out, without a model.

evaluation/summary.json: exact: difference.mean: 0.9 is published, and its rows give 0.85
README.md: its table of figures is not that of its rows
adapter_model.safetensors: is not the file that was published (SHA-256)
"""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from eval.scoring.summary import Summary
from recipebook.errors import UserError, format_first_error, on_one_line
from release.figures_table import find_figures, format_figures
from release.published_rows import SUMMARY, PublishedFigures, PublishedRow, read_published, sum_up
from release.signing import LEFT_BY_DOWNLOADS, SIGNATURE

INDEX, CARD = "publication.json", "README.md"
# Another machine's arithmetic may differ in the last digits.
CLOSE = 1e-9
OTHER_TABLE = f"{CARD}: its table of figures is not that of its rows"
# `evaluation/summary.json: results: exact: tuned.low: 0.1 is published, …`
_RULED = re.compile(
    rf"{re.escape(SUMMARY)}: (results|slices|baselines): .*?(low|high|p|p_adjusted|test|detectable|caution|doubt): "
    r"\S.* is published, and its rows give "
)


class PublishedIndex(BaseModel, frozen=True):
    """What is read of publication.json: the digest of the weights, and the SHA-256 of each file by its name."""

    weights: str | None
    files: dict[str, str]


def find_publication(card: Path) -> Path:
    """The folder of a publication, which its card's file names, too."""
    folder = card.parent if card.is_file() else card
    if not folder.is_dir():
        raise UserError(f"{card}: no such folder or card")
    return folder


def find_differences(folder: Path) -> list[str]:
    """Everything that differs, a line each; none where the card is what its rows and files say."""
    rows, figures, published = read_published(folder)
    found = sum_up(rows, figures, published)
    lines = [f"{SUMMARY}: {line}" for line in _compare_summaries(published, found)]
    if find_figures(_read_card(folder / CARD)) != format_figures(found):
        lines.append(OTHER_TABLE)
    # Names in a stranger's files may hold what a terminal would obey.
    return [on_one_line(line) for line in (*lines, *_find_other_files(folder))]


def are_of_a_rule(lines: Sequence[str]) -> bool:
    """Whether all that differs are intervals, p-values and their like: what another version may compute otherwise."""
    return bool(lines) and all(_RULED.match(line) or line == OTHER_TABLE for line in lines)


def list_differences(rows: Sequence[PublishedRow], figures: PublishedFigures, summary: Summary) -> list[str]:
    """Every figure of a summary that its rows do not give, a line each."""
    return list(_compare_summaries(summary, sum_up(rows, figures, summary)))


def read_index(folder: Path) -> PublishedIndex:
    """What the publication says of its run."""
    try:
        return PublishedIndex.model_validate_json((folder / INDEX).read_bytes())
    except OSError as error:
        raise UserError(f"{folder / INDEX}: {error.strerror}") from None
    except ValidationError as error:
        raise UserError(f"{folder / INDEX}: {format_first_error(error)}") from None


def _read_card(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start + 1}") from None


def _find_other_files(folder: Path) -> Iterator[str]:
    index = read_index(folder).files
    for path in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file()):
        if path.as_posix() not in (*index, INDEX, SIGNATURE) and path.parts[0] not in LEFT_BY_DOWNLOADS:
            yield f"{path}: {INDEX} does not have it, so nothing says that it was published"
    for name, known in index.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            yield f"{name}: lies outside of the publication"
        elif not path.is_file():
            yield f"{name}: is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != known:
            yield f"{name}: is not the file that was published (SHA-256)"


def _compare_summaries(before: Summary, after: Summary) -> Iterator[str]:
    return _compare(before.model_dump(mode="json"), after.model_dump(mode="json"))


def _compare(before: Any, after: Any, where: str = "") -> Iterator[str]:
    """The numbers and texts that differ, each with the figure and the field that it is of."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            yield from _compare(before.get(key), after.get(key), f"{where}{key}: " if not where else f"{where}{key}.")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from _compare(one, other, f"{where}{_name(one)}: ")
    elif not _are_equal(before, after):
        yield f"{where.rstrip('.: ')}: {before} is published, and its rows give {after}"


def _name(item: Any) -> str:
    if not isinstance(item, Mapping):
        return ""
    return str(item.get("figure") or item.get("name") or f"{item.get('field')} {item.get('value')}")


def _are_equal(before: Any, after: Any) -> bool:
    if isinstance(before, float) and isinstance(after, float | int):
        return math.isclose(before, after, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(before == after)
