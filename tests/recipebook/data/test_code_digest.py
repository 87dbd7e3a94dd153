"""What changes the hash of a piece of code, and what does not."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from recipebook.data.code_digest import digest_module, digest_sources

CODE = '''\
import json

def double(number: int) -> int:
    """Twice the number."""
    return 2 * number
'''


def digest_text(folder: Path, *texts: str) -> str:
    paths = [folder / f"{at}.py" for at in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return digest_sources(paths)


@pytest.mark.parametrize(
    "text",
    [
        CODE.replace("import json\n", "from json import loads\nimport re\n"),
        CODE.replace("import json\n", ""),
        "# A comment.\n\n\n" + CODE,
        CODE.replace("Twice the number.", "The number, twice."),
        CODE.replace('    """Twice the number."""\n', ""),
        '"""A module of its own."""\n' + CODE,
        CODE.replace("2 * number", "(2 *\n        number)"),
        'METRICS = {"text": {}}\n' + CODE,
        'METRICS: dict[str, dict[str, Any]] = {"text": {}}\n' + CODE,
    ],
)
def test_imports_words_and_positions_leave_no_trace(tmp_path: Path, text: str) -> None:
    assert text != CODE
    assert digest_text(tmp_path, text) == digest_text(tmp_path, CODE)


def test_the_description_of_an_option_leaves_no_trace_and_its_default_does(tmp_path: Path) -> None:
    option = "class Options:\n    r: int = Field(8, gt=0)\n"
    told = digest_text(tmp_path, option)
    assert digest_text(tmp_path, option.replace("gt=0", "gt=0, description='its rank'")) == told
    assert digest_text(tmp_path, option + '    """Its rank."""\n') == told
    assert digest_text(tmp_path, option.replace("8", "9")) != told
    assert digest_text(tmp_path, option.replace("gt=0", "ge=0")) != told


@pytest.mark.parametrize(
    "text",
    [
        CODE.replace("2 * number", "3 * number"),
        CODE.replace("2 * number", "2.0 * number"),
        CODE.replace("2 * number", "number * 2"),
        CODE.replace("number: int", "number: float"),
        CODE.replace("number", "count"),
        CODE.replace("return", "yield"),
        CODE + "double(1)\n",
        CODE.replace("    return 2 * number", "    return None"),
        CODE.replace('"""Twice the number."""', 'number = "Twice the number."'),
    ],
)
def test_what_the_code_does_counts(tmp_path: Path, text: str) -> None:
    assert text != CODE
    assert digest_text(tmp_path, text) != digest_text(tmp_path, CODE)


def test_the_names_and_the_order_of_files_do_not_count(tmp_path: Path) -> None:
    assert digest_text(tmp_path, CODE, "x = 1\n") == digest_text(tmp_path, "x = 1\n", CODE)
    assert digest_text(tmp_path, CODE, "x = 1\n") != digest_text(tmp_path, CODE, "x = 2\n")


def load(folder: Path, name: str, text: str) -> ModuleType:
    path = folder / f"{name.split('.')[-1]}.py"
    path.write_text(text)
    module = ModuleType(name)
    module.__file__ = str(path)
    exec(compile(text, path, "exec"), vars(module))
    sys.modules[name] = module
    return module


@pytest.mark.parametrize("imported", ["from converters.below import HELP", "from converters import below"])
def test_a_module_that_is_imported_counts_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imported: str
) -> None:
    import linecache

    import converters

    for name in ("converters.below", "converters.above"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = []
    for number in (1, 2):
        below = load(tmp_path, "converters.below", f"HELP = {number}\n")
        monkeypatch.setattr(converters, "below", below, raising=False)
        above = load(tmp_path, "converters.above", f"{imported}\nUSED = True\n")
        linecache.clearcache()
        found.append(digest_module(above))
    assert found[0] != found[1]
    for name in ("converters.below", "converters.above"):
        sys.modules.pop(name)
