"""Forms that came back: files in, judgements by system out, or a line for each file that cannot be used.

{"study": "9f2c41d07ab3e655", "evaluator": 2, "answers": [{"question": 1, "best": "B",
 "ratings": {"A": {"quality": 2, "fluency": 5, "satisfaction": 2}, "B": {…}}}, …]}
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import ConfigDict, Field, ValidationError

from eval.human import LETTERS, NO_DIFFERENCE, POINTS, SCALES, ScaleName
from eval.human.study import Item, Key
from recipebook.errors import UserError, format_first_error, on_one_line
from recipebook.frozen import Frozen
from recipebook.project import shown


class Judgement(NamedTuple):
    """One evaluator's ratings of all systems in one conversation; `best` is None where none was better."""

    evaluator: int
    conversation: str
    ratings: dict[str, dict[ScaleName, int]]
    best: str | None


class _Strict(Frozen):
    model_config = ConfigDict(strict=True)


class _Ratings(_Strict):
    quality: Annotated[int, Field(ge=POINTS[0], le=POINTS[-1])]
    fluency: Annotated[int, Field(ge=POINTS[0], le=POINTS[-1])]
    satisfaction: Annotated[int, Field(ge=POINTS[0], le=POINTS[-1])]


class _FormAnswer(_Strict):
    question: int
    ratings: dict[str, _Ratings]
    best: str


class _Form(_Strict):
    study: str
    evaluator: int
    answers: tuple[_FormAnswer, ...]


class Returned(NamedTuple):
    """The forms of one study."""

    key: Key
    evaluators: tuple[int, ...]
    judgements: tuple[Judgement, ...]


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files, and the JSON files of the folders."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"IN: no file or folder '{path}'")
        found += sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not found:
        raise UserError(f"IN: no JSON file in {' or '.join(shown(path) for path in paths)}: no form has come back")
    return found


def read_returned(files: Sequence[Path], keys: Mapping[str, Key]) -> Returned:
    """Read the forms of one study; unknown, repeated and partly filled-in forms are refused, a line each."""
    forms: dict[int, tuple[Path, _Form]] = {}
    faults: list[str] = []
    studies: dict[str, Path] = {}
    for path in files:
        try:
            form = _read_form(path)
            _check_form(form, keys)
            if form.evaluator in forms:
                raise ValueError(f"evaluator {form.evaluator} is in {forms[form.evaluator][0].name} already")
            studies.setdefault(form.study, path)
            if len(studies) > 1:
                raise ValueError(f"is of study {form.study}, {files[0].name} of another; IN names files of one")
            forms[form.evaluator] = (path, form)
        except ValueError as error:
            faults.append(f"{shown(path)}: {error}")
    if faults:
        raise UserError("\n".join(faults))
    key = keys[next(iter(studies))]
    judgements = [
        _unblind(form, answer, item)
        for _, (_, form) in sorted(forms.items())
        for answer, item in zip(form.answers, key.sheets[form.evaluator - 1], strict=True)
    ]
    return Returned(key, tuple(sorted(forms)), tuple(judgements))


def _read_form(path: Path) -> _Form:
    try:
        return _Form.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise ValueError(format_first_error(error)) from None


def _check_form(form: _Form, keys: Mapping[str, Key]) -> None:
    key = keys.get(form.study)
    if key is None:
        raise ValueError(f"is of study '{on_one_line(form.study)}'; this run has: {', '.join(keys) or 'none'}")
    if not 1 <= form.evaluator <= len(key.sheets):
        raise ValueError(f"evaluator {form.evaluator} is none of the study's 1 to {len(key.sheets)}")
    sheet = key.sheets[form.evaluator - 1]
    numbers = [answer.question for answer in form.answers]
    if unknown := [number for number in numbers if not 1 <= number <= len(sheet)]:
        raise ValueError(f"question {unknown[0]} is none of the study's 1 to {len(sheet)}")
    if numbers != sorted(set(numbers)):
        raise ValueError("questions are twice there or out of order")
    letters = LETTERS[: len(key.systems)]
    partly = [answer.question for answer in form.answers if not answer.ratings.keys() >= set(letters)]
    missing = sorted({*range(1, len(sheet) + 1)} - {*numbers} | {*partly})
    if missing:
        raise ValueError(f"{len(missing)} of {len(sheet)} questions are not filled in, the first is {missing[0]}")
    for answer in form.answers:
        if surplus := answer.ratings.keys() - set(letters):
            raise ValueError(
                f"question {answer.question} has no answer '{on_one_line(min(surplus))}'; {letters} it has"
            )
        if answer.best not in (*letters, NO_DIFFERENCE):
            raise ValueError(
                f"question {answer.question}: best is '{on_one_line(answer.best)}', none of "
                f"{', '.join([*letters, NO_DIFFERENCE])}"
            )


def _unblind(form: _Form, answer: _FormAnswer, item: Item) -> Judgement:
    systems: dict[str, Any] = dict(zip(LETTERS, item.systems, strict=False))
    return Judgement(
        evaluator=form.evaluator,
        conversation=item.conversation,
        ratings={
            system: {scale: getattr(answer.ratings[letter], scale) for scale in SCALES}
            for letter, system in systems.items()
        },
        best=systems.get(answer.best),
    )
