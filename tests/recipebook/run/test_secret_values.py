"""A secret is hidden by its form, as part of an address, and as the value of a variable whose name says so."""

import pytest

from recipebook.run.secret_values import hide_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no secret at https://host/a:b", "no secret at https://host/a:b"),
        (f"token hf_{'a' * 34}.", "token …."),
        ("at postgresql://me:1234@host/db", "at postgresql://…@host/db"),
        ("with open sesame here", "with … here"),
    ],
)
def test_what_is_secret_becomes_dots(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "open sesame")
    assert hide_secrets(text) == shown
