"""The list of what is mutated keeps up with files that move."""

import re
from pathlib import Path

from recipebook.project import PROJECT


def test_every_module_and_test_of_the_list_is_there() -> None:
    # Read and not imported: mutmut settles how processes are started.
    text = Path(__file__).with_name("mutants.py").read_text(encoding="utf-8")
    listed = text[text.index("GUARDED = {") : text.index("\n}\n")]
    paths = re.findall(r'"([\w/.]+)"', listed)
    assert len(re.findall(r'^    "', listed, re.MULTILINE)) == 16
    assert [path for path in paths if not (PROJECT / path).exists()] == []
