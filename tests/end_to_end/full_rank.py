"""An Axolotl plugin: rank 1 alone finds no room for a checkpoint, nor for its own last line in the log.

axolotl: {plugins: [tests.end_to_end.full_rank.FullRank]}
"""

import os
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

from axolotl.integrations.base import BasePlugin

MOST_BYTES = 1000


class FullRank(BasePlugin):  # type: ignore[misc]
    """Limits the size of what rank 1 writes."""

    def post_trainer_create(self, cfg: Any, trainer: Any) -> None:
        """Everything is loaded, and training begins."""
        if os.environ["RANK"] == "1":
            setrlimit(RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))
