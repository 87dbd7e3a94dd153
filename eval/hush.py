"""Quiet: what torch's add-ons, transformers and the hub's client say while they load says nothing about an evaluation.

hush()  # before anything that imports torch
"""

import logging
import os

from recipebook.hardware import detect


def hush() -> None:
    """Let them tell errors alone, and draw no bars."""
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if not detect().gpu:
        # DeepSpeed, which others import, says so where it has to find out.
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    from huggingface_hub.utils.logging import set_verbosity_error
    from transformers.utils.logging import disable_progress_bar

    set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bar()  # type: ignore[no-untyped-call]
