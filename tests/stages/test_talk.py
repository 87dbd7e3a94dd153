"""Templates: the same draw for the same number, in one language throughout, and mistakes told with their place."""

from pathlib import Path
from typing import Any

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from stages._talk import read_talk

SAMPLE = PROJECT / "samples" / "conversations.yaml"
SMALL = """\
profile: {name: {en: [Asha, Dev], hi: [आशा, देव]}, size: [S]}
words: {item: {en: [hat], hi: [टोपी]}}
languages:
  en:
    name: English
    character: "{name}, {size}"
    opening: [{user: ["a {item}?"], assistant: ["yes {name}"]}]
    middle: [{user: [more], assistant: [none]}]
    closing: [{user: [bye], assistant: ["{size}"]}]
  hi:
    name: Hindi
    share: 0
    character: "{name}"
    opening: [{user: ["{item}"], assistant: ["जी"]}]
    middle: [{user: ["और"], assistant: ["नहीं"]}]
    closing: [{user: ["बस"], assistant: ["ठीक"]}]
"""


def write(tmp_path: Path, text: str) -> Path:
    (tmp_path / "talk.yaml").write_text(text)
    return tmp_path / "talk.yaml"


def test_a_conversation_opens_goes_on_and_closes(tmp_path: Path) -> None:
    talk = read_talk(write(tmp_path, SMALL))
    profiles = [talk.draw_profile(1, number) for number in range(20)]
    assert {(profile.language, profile.character) for profile in profiles} == {("en", "Asha, S"), ("en", "Dev, S")}
    asha = next(profile for profile in profiles if profile.character == "Asha, S")
    assert talk.draw_exchanges(asha, 1, 0, (3, 3)) == [("a hat?", "yes Asha"), ("more", "none"), ("bye", "S")]
    assert talk.draw_exchanges(asha, 1, 0, (1, 1)) == [("a hat?", "yes Asha")]
    # There is but one exchange for the middle, and none is said twice.
    assert len(talk.draw_exchanges(asha, 1, 0, (9, 9))) == 3


def test_a_number_draws_the_same_whatever_was_drawn_before() -> None:
    talk = read_talk(SAMPLE)
    first = talk.draw_exchanges(talk.draw_profile(42, 7), 42, 7, (2, 4))
    for number in range(5):
        talk.draw_exchanges(talk.draw_profile(42, number), 42, number, (2, 4))
    assert talk.draw_exchanges(talk.draw_profile(42, 7), 42, 7, (2, 4)) == first
    assert talk.draw_exchanges(talk.draw_profile(43, 7), 43, 7, (2, 4)) != first


def test_each_language_keeps_to_its_script() -> None:
    talk = read_talk(SAMPLE)
    for number in range(300):
        profile = talk.draw_profile(42, number)
        said = "".join(text for couple in talk.draw_exchanges(profile, 42, number, (2, 4)) for text in couple)
        said += profile.character
        devanagari = any("\u0900" <= sign <= "\u097f" for sign in said)
        # A size, such as XL, is all that Hindi says in Latin letters.
        latin = any(word.isascii() and word.isalpha() and not word.isupper() for word in said.split())
        assert (devanagari, latin) == {"en": (False, True), "mixed": (False, True), "hi": (True, False)}[
            profile.language
        ]


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("hi: [टोपी]", "hi: [टोपी, बैग]", "field 'item' has not as many choices in every language"),
        (", hi: [टोपी]", "", "field 'item' needs choices in en, hi, and no other"),
        ("a {item}?", "a {itme}?", "language en: no field 'itme' for 'a {itme}?'"),
        ("{name}, {size}", "{item}", "language en: its character names 'item', which is none of profile"),
        ("a {item}?", "a {item.x}?", "language en: no field 'item.x' for 'a {item.x}?'"),
        ("share: 0", "share: 0, ruls: 1", "talk.yaml:12:"),
    ],
)
def test_a_mistake_in_the_file_is_one_line(tmp_path: Path, right: str, wrong: str, told: str) -> None:
    assert right in SMALL
    with pytest.raises(UserError) as error:
        read_talk(write(tmp_path, SMALL.replace(right, wrong, 1)))
    assert told in str(error.value) and "\n" not in str(error.value)


def test_unbalanced_braces_are_a_mistake_as_well(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"talk.yaml:1:1: "):
        read_talk(write(tmp_path, SMALL.replace("a {item}?", "a {item?")))


def test_the_sample_has_three_languages_with_equal_shares() -> None:
    talk: Any = read_talk(SAMPLE)
    assert {code: language.share for code, language in talk.languages.items()} == {"en": 1, "hi": 1, "mixed": 1}
