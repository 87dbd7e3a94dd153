"""What a look at rows needs of Axolotl, in a second and 100 MiB: no torch, and no model.

    stand_in()                                       first of all, in a process of its own
    cfg, tokenizer = load_light(Path("axolotl.yaml"))

Axolotl's strategies for chats take the words of a row and a tokenizer, but their modules import torch, datasets and
PEFT, for types and logging. In this process other modules stand in for those. The configuration is what the file says:
Axolotl's own checks and defaults need the whole of it, and so do the keys of a recipe's `axolotl` section; their rows
are looked at in `load_whole`.
"""

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

STAND_INS: dict[str, dict[str, Any]] = {
    "axolotl.integrations.base": {"BasePlugin": object},
    "axolotl.utils.logging": {"get_logger": logging.getLogger},
    "axolotl.utils.schemas.datasets": {"DatasetConfig": dict},
    "datasets": {"Dataset": list},
}


def stand_in() -> None:
    """Hide torch, which transformers does without, and put empty modules in the place of others."""
    # The import system reads None as "not there".
    sys.modules["torch"] = None  # type: ignore[assignment]
    for name, members in STAND_INS.items():
        module = ModuleType(name)
        vars(module).update(members)
        sys.modules[name] = module


def load_light(config: Path) -> tuple[Any, Any]:
    """A run's configuration as it is written, and its tokenizer with its chat template."""
    import yaml
    from axolotl.utils.chat_templates import get_chat_template_from_config
    from axolotl.utils.dict import DictDefault
    from transformers import AutoConfig, AutoTokenizer

    cfg = DictDefault(yaml.safe_load(config.read_text(encoding="utf-8")))
    revision = {"revision": cfg.revision_of_model} if cfg.revision_of_model else {}
    # Raises where the base is no model that transformers knows.
    AutoConfig.from_pretrained(cfg.base_model, **revision)
    tokenizer = AutoTokenizer.from_pretrained(cfg.base_model, **revision)
    tokenizer.chat_template = get_chat_template_from_config(cfg=cfg, tokenizer=tokenizer)
    return cfg, tokenizer


def load_whole(config: Path) -> tuple[Any, Any]:
    """The configuration as Axolotl completes and checks it, and the tokenizer as Axolotl loads it."""
    from trainer.__main__ import hide_unused, load_engine

    hide_unused(config)
    load_engine(("axolotl.cli.config", "axolotl.loaders.tokenizer", "axolotl.prompt_strategies.chat_template"))
    import yaml
    from axolotl.cli.config import gpu_capabilities, load_cfg
    from axolotl.loaders import load_tokenizer
    from axolotl.utils.config import validate_config
    from axolotl.utils.dict import DictDefault

    # With DeepSpeed, Axolotl joins the processes of a training, of which there are none: it is only checked.
    cfg = load_cfg(str(config), deepspeed=None)
    written = DictDefault(yaml.safe_load(config.read_text(encoding="utf-8")))
    if written.deepspeed:
        validate_config(written, *gpu_capabilities())
    return cfg, load_tokenizer(cfg)
