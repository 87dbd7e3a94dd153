"""Settings for torch's add-ons, transformers, DeepSpeed and the hub's client, made before they are imported.

prepare_libraries(Path("models/tiny-base"))

Their messages while loading have nothing to do with an evaluation, and a base in a folder needs no hub.
"""

import logging
import os
import warnings
from functools import cache
from pathlib import Path

from recipebook.hardware import detect

HUB = "https://huggingface.co"
HUB_SECONDS = 10.0


def prepare_libraries(base: Path | str | None = None) -> None:
    """Let these libraries report only errors and draw no progress bars; `base` as a folder switches the hub off.

    Call it before anything imports torch, which reads the environment then.
    """
    if isinstance(base, Path):
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    elif base is not None:
        leave_unreachable_hub()
    if not detect().gpu:
        # Threads that wait sleep, as in training (recipebook/launch/process.py); DeepSpeed would report that it
        # found no GPU.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
        # What torch cannot do on an Apple GPU is computed on the processor.
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # PEFT imports it, and it reports as an error, with a traceback, that this machine has no GPU that it knows. Nothing
    # here is computed by it.
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", "Skipping publisher trust check", module="bitsandbytes")
    # Version 2 of its settings is the one that safetensors can hold; it says so of every such folder that is loaded.
    warnings.filterwarnings("ignore", "Stored version is not the same", module="torchao")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    from huggingface_hub.utils.logging import set_verbosity_error
    from transformers.utils.logging import disable_progress_bar

    set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bar()  # type: ignore[no-untyped-call]


@cache
def leave_unreachable_hub() -> None:
    """Let the hub's client use its cache alone where no network reaches the hub, in this process and those it starts.

    The client tries again by a connection that it has closed itself, and ends in a RuntimeError that says only so, even
    where its cache holds what is wanted.
    """
    import httpx

    if "HF_HUB_OFFLINE" in os.environ:
        return
    try:
        httpx.head(os.environ.get("HF_ENDPOINT", HUB), timeout=HUB_SECONDS)
    except httpx.TransportError:
        os.environ["HF_HUB_OFFLINE"] = "1"
        # The client reads the environment when it is imported, which may be behind us.
        from huggingface_hub import constants

        constants.HF_HUB_OFFLINE = True
