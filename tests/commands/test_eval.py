"""Which evaluation a name stands for: a fleet's, that of a run of stages, or one run's."""

import pytest

from commands.eval import evaluate
from recipebook.errors import UserError


def test_an_unknown_run_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^no run 'nosuch' in runs/"):
        evaluate("nosuch", [])
