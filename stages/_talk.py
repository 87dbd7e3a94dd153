"""Shoppers and what they say, drawn from a file of templates by seed and number: each is the same whenever it is drawn.

    talk = read_talk(Path("samples/conversations.yaml"))
    talk.draw_profile(seed=42, number=7)
    → Profile("user_00007", "mixed", {"name": 5, "city": 2, …}, "Pune se Kabir, teacher; size L, …")
    talk.draw_exchanges(profile, seed=42, number=10_007, exchanges=(2, 4))
    → [("hello, mujhe office ke liye bag chahiye", "sure Kabir ji, …"), …]

Talk begins with an opening, ends with a closing, and has other exchanges between, none twice. See
samples/conversations.yaml for the file's form.
"""

import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from recipebook.errors import UserError
from recipebook.frozen import Frozen
from recipebook.project import shown
from recipebook.recipe.faults import format_faults, list_invalid
from recipebook.recipe.yaml_source import load

Choices = Annotated[tuple[str | int, ...], Field(min_length=1)]
Fields = dict[str, Choices | dict[str, Choices]]


class Exchange(Frozen):
    """What a shopper may say, and the possible answers."""

    user: Annotated[tuple[str, ...], Field(min_length=1)]
    assistant: Annotated[tuple[str, ...], Field(min_length=1)]


class Language(Frozen):
    """The templates of one language; `share` is the weight of its shoppers among those of all languages."""

    name: str
    share: Annotated[float, Field(ge=0)] = 1.0
    character: str
    opening: Annotated[tuple[Exchange, ...], Field(min_length=1)]
    middle: Annotated[tuple[Exchange, ...], Field(min_length=1)]
    closing: Annotated[tuple[Exchange, ...], Field(min_length=1)]

    def list_templates(self) -> Iterator[str]:
        """All templates that are filled in."""
        yield self.character
        for exchange in (*self.opening, *self.middle, *self.closing):
            yield from (*exchange.user, *exchange.assistant)


class Profile(NamedTuple):
    """A shopper: id, language, the index of each choice in the file's lists, and the description in words."""

    id: str
    language: str
    chosen: dict[str, int]
    character: str


class Talk(Frozen):
    """The whole file."""

    profile: Fields
    words: Fields
    languages: Annotated[dict[str, Language], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name, field in {**self.profile, **self.words}.items():
            if isinstance(field, dict):
                if field.keys() != self.languages.keys():
                    raise ValueError(f"field '{name}' needs choices in {', '.join(self.languages)}, and no other")
                if len({len(choices) for choices in field.values()}) > 1:
                    raise ValueError(f"field '{name}' has not as many choices in every language")
        known = {*self.profile, *self.words}
        for code, language in self.languages.items():
            for template in language.list_templates():
                if unknown := _list_names(template) - known:
                    raise ValueError(f"language {code}: no field '{min(unknown)}' for {template!r}")
            if unknown := _list_names(language.character) - self.profile.keys():
                raise ValueError(f"language {code}: its character names '{min(unknown)}', which is none of profile")
        if not sum(language.share for language in self.languages.values()):
            raise ValueError("no language has a share")
        return self

    def draw_profile(self, seed: int, number: int) -> Profile:
        """The shopper of this number."""
        rng = random.Random(f"{seed}/profile/{number}")
        (code,) = rng.choices([*self.languages], [language.share for language in self.languages.values()])
        chosen = _choose(rng, self.profile)
        character = self.languages[code].character.format_map(_pick_words(self.profile, chosen, code))
        return Profile(f"user_{number:05}", code, chosen, character)

    def draw_exchanges(
        self, profile: Profile, seed: int, number: int, exchanges: tuple[int, int]
    ) -> list[tuple[str, str]]:
        """The conversation of this number: a question and its answer for each exchange."""
        rng = random.Random(f"{seed}/conversation/{number}")
        language = self.languages[profile.language]
        count = min(rng.randint(*exchanges), len(language.middle) + 2)
        kinds = [rng.choice(language.opening), *rng.sample(language.middle, max(0, count - 2))]
        if count > 1:
            kinds.append(rng.choice(language.closing))
        own = _pick_words(self.profile, profile.chosen, profile.language)
        values = {**own, **_pick_words(self.words, _choose(rng, self.words), profile.language)}
        return [
            (rng.choice(kind.user).format_map(values), rng.choice(kind.assistant).format_map(values)) for kind in kinds
        ]


def read_talk(path: Path) -> Talk:
    """Read the file of templates."""
    document = load(path, shown(path))
    try:
        return TypeAdapter(Talk).validate_python(document.data)
    except ValidationError as error:
        raise UserError("\n".join(format_faults(list_invalid(error, ()), document.places))) from None


def _list_names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def _choose(rng: random.Random, fields: Fields) -> dict[str, int]:
    # Twice as fast as randrange, and as even as anyone could tell.
    return {name: int(rng.random() * _count(field)) for name, field in fields.items()}


def _count(field: Choices | dict[str, Choices]) -> int:
    return len(next(iter(field.values())) if isinstance(field, dict) else field)


def _pick_words(fields: Fields, chosen: dict[str, int], code: str) -> dict[str, str | int]:
    return {name: (field[code] if isinstance(field, dict) else field)[chosen[name]] for name, field in fields.items()}
