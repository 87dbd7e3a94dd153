"""A file of prompt variants: what it may hold, and the line of each fault in it."""

from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.recipe.prompt_variants import PromptVariant, read_variants


def read(tmp_path: Path, text: str) -> object:
    (tmp_path / "v.yaml").write_text(text)
    return read_variants("v.yaml", tmp_path)


def test_variants_keep_the_order_of_the_file(tmp_path: Path) -> None:
    found = read(tmp_path, "plain: {}\npolite: {prompt: 'Please: {prompt}'}\nbrief: {system: Be brief.}\n")
    assert list(dict(found).items()) == [  # type: ignore[call-overload]
        ("plain", PromptVariant()),
        ("polite", PromptVariant(prompt="Please: {prompt}")),
        ("brief", PromptVariant(system="Be brief.")),
    ]
    assert read_variants(None) == {}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("plain: {}\npolite: {prompt: Please}\n", "v.yaml:2:18: polite.prompt: 'Please' has no {prompt}, where the"),
        ("a: {promt: x}\n", "v.yaml:1:5: unknown key 'promt' under a; did you mean 'prompt'?"),
        ("a: Please {prompt}\n", "v.yaml:1:4: a: 'Please {prompt}' is not"),
        ("a: {system: 3}\n", "v.yaml:1:13: a.system: 3 is not text"),
        ("{}\n", "v.yaml:1:1: no variant in it"),
        ("", "v.yaml:1:1: the file is empty"),
        ("- a\n", "v.yaml:1:1: the top is a list, not a mapping of keys"),
        ("a: {}\na: {}\n", "v.yaml:2:1:"),
    ],
)
def test_each_fault_has_its_line(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(UserError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(fault)
    assert len(str(error.value).splitlines()) == 1
