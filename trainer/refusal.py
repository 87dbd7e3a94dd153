"""Training refuses rows of which none passes the checks of trainer/checks.py, before the model is loaded.

The first row that passes ends the search. `refused.txt` in the run's folder has the reason, and the exit status is 2.
"""

import json
import sys
from pathlib import Path
from typing import Any

from recipebook.files import write_text
from recipebook.run.progress_file import REFUSED
from trainer.preview import NoTemplateError, RowTally, open_look, read_lines


def refuse_unfit(cfg: Any) -> None:
    """End the process if no row may be trained on."""
    if reason := find_reason(cfg):
        write_text(Path(REFUSED), reason)
        sys.exit(2)


def find_reason(cfg: Any) -> str | None:
    """Why no row passes; None as soon as one does."""
    try:
        tally = RowTally(open_look(cfg))
    except NoTemplateError as error:
        return str(error)
    rows = 0
    for line in read_lines(cfg):
        rows += 1
        tally.add(json.loads(line))
        if tally.passed:
            return None
    worst = max((one for one in tally.findings.values() if not one["note"]), key=lambda one: one["count"])
    return f"{worst['first']}: {worst['text']} ({worst['count']} of {rows} train rows, and none passes)"
