"""`make eval RUN=traits`: every trained member of a fleet, one after another in one process.

What is imported and what the base answers are paid for once: members on one base that are asked the same share its
answers (eval/ask.py keeps them). Each member gets what a run of its own gets, in its own `eval/`.
"""

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO

from eval.evaluate import evaluate
from recipebook.errors import UserError
from recipebook.progress import ProgressLine
from recipebook.rundir import Manifest, Run
from recipebook.runs import read_headline


def evaluate_fleet(fleet: str, members: Sequence[tuple[Run, Manifest]], overrides: Sequence[str]) -> int:
    """Evaluate the members; 0 all, 1 some cannot be evaluated, each with its reason."""
    print(f"fleet     {fleet}, {len(members)} trained members")
    line, failed = ProgressLine("members"), 0
    width = max(len(manifest.member or "") for _, manifest in members)
    for at, (run, manifest) in enumerate(members):
        line.show(at, len(members), f"  {manifest.member}")
        try:
            with redirect_stdout(StringIO()):
                evaluate(run.name, overrides)
            told = read_headline(run.folder / "eval" / "summary.json")
        except UserError as error:
            told, failed = f"not evaluated: {error}", failed + 1
        line.clear()
        print(f"{manifest.member:<{width}}  {told}")
    print(f"next      make leaderboard RECIPE={fleet}")
    return int(failed > 0)
