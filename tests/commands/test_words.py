"""The completion script, in a real bash."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def complete(*words: str) -> list[str]:
    """What bash would offer for the last of the words."""
    script = (
        f"source commands/recipebook.bash; COMP_WORDS=({' '.join(repr(word) for word in words)}); "
        f"COMP_CWORD={len(words) - 1}; _recipebook_make; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "python").exists(), reason="completes in a set-up checkout only")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["make", "tra"], ["train"]),
        (["make", "train", "REC"], ["RECIPE="]),
        (["make", "train", "RECIPE", "=", "robot-l"], ["robot-lora"]),
        (["make", "train", "PROFILE", "=", "mul"], ["multi-gpu"]),
        (["make", "export-table", "TABLE", "=", "l"], ["leaderboard", "losses"]),
        (["make", "export-table", "FORMAT", "="], ["csv", "parquet", "xlsx"]),
    ],
)
def test_bash_offers_goals_variables_and_names(words: list[str], offered: list[str]) -> None:
    assert complete(*words) == offered
