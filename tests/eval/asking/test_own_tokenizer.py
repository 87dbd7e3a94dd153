"""A run's tokenizer whose files are damaged or missing is refused in a line, and none is made up in its place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.asking.own_tokenizer import load_whole_tokenizer
from recipebook.errors import UserError
from recipebook.project import PROJECT


def write(name: str, text: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).write_text(text)

    return damage


def take_tokens(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def take_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (write("tokenizer.json", '{"a": 1}'), "its tokenizer cannot be read: 'added_tokens'"),
        (write("tokenizer.json", '{"added_tokens": ['), "its tokenizer cannot be read: Expecting value: "),
        (write("tokenizer_config.json", "[]"), "its tokenizer cannot be read: list indices must be "),
        (take_tokens, "its tokenizer has no tokens; is tokenizer.json missing?"),
        (take_template, "its tokenizer has no chat template; is chat_template.jinja missing?"),
    ],
)
def test_a_tokenizer_that_is_not_whole_is_one_line(tmp_path: Path, damage: Callable[[Path], None], line: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(PROJECT / "models" / "tiny-base", folder)
    shutil.copy(PROJECT / "templates" / "chat" / "chatml.jinja", folder / "chat_template.jinja")
    assert load_whole_tokenizer(folder)("robot")["input_ids"]
    damage(folder)
    with pytest.raises(UserError) as error:
        load_whole_tokenizer(folder)
    assert str(error.value).startswith(f"{folder}: {line}")
