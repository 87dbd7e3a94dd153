"""Tokenises a run's rows before its ranks start, so that no GPU waits: `python -m trainer.tokenise axolotl.yaml`.

Axolotl lets the first rank tokenise while the others wait, and all of them read what it wrote. Here one process does
the same before any rank is there, into the same folder. Fewer rows are tokenised sooner than Axolotl is imported, so
those are left to the ranks; episodes have no rows.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

# A process tokenises about a thousand a second, and needs some fifteen seconds to start.
FEW_ROWS = 20_000


def needs_tokenising(config: Path) -> bool:
    """Whether there are many rows, of a method that learns from them."""
    settings: dict[str, Any] = yaml.safe_load(config.read_text(encoding="utf-8"))
    if settings.get("rl") == "grpo":
        return False
    with (config.parent / settings["datasets"][0]["path"]).open("rb") as file:
        return sum(1 for _ in file) >= FEW_ROWS


def tokenise(config: Path) -> None:
    """Write the tokenised rows where the ranks look for them."""
    from trainer.__main__ import hide_unused, load_engine

    hide_unused(config)
    load_engine(("axolotl.cli.config", "axolotl.common.datasets"))
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets, load_preference_datasets
    from axolotl.integrations.base import PluginManager

    # With DeepSpeed, Axolotl would join the processes of a training, of which there are none yet.
    cfg = load_cfg(str(config), deepspeed=None)
    PluginManager.get_instance().load_datasets(cfg, preprocess=True)
    (load_preference_datasets if cfg.rl else load_datasets)(cfg=cfg)


if __name__ == "__main__":
    if needs_tokenising(Path(sys.argv[1])):
        tokenise(Path(sys.argv[1]))
