"""Runs one job: `python -m stages job.json`, in the stage's folder; the runner starts it.

A user's mistake is one line on the terminal and exit status 2; any other error leaves its traceback in stage.log.
"""

import json
import sys
import traceback
from pathlib import Path

from recipebook.errors import UserError
from recipebook.modules import STAGE, load
from recipebook.options import check_options
from recipebook.pipeline.job import read_job


def main(path: Path) -> int:
    """Run the job in a file."""
    log = path.parent / "stage.log"
    try:
        document = json.loads(path.read_bytes())
        module = load(STAGE, document["kind"])
        module.run(read_job(document), check_options(module.Options, document["options"], f"stage {document['kind']}"))
    except UserError as error:
        log.write_text(f"{error}\n", encoding="utf-8")
        return 2
    except Exception:
        log.write_text(traceback.format_exc(), encoding="utf-8")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
