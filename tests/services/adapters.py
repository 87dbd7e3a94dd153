"""Small adapters as a service would pack them."""

import io
import json
import tarfile

import numpy as np
import zstandard
from safetensors.numpy import save

CONFIG = {"peft_type": "LORA", "r": 4, "lora_alpha": 16, "target_modules": ["v_proj", "q_proj"]}
LAYER = "base_model.model.model.layers.0.self_attn.q_proj"


def make_weights(value: float = 0.5) -> bytes:
    """One layer's pair of matrices, 4 x 8 and 8 x 4."""
    down, up = np.ones((4, 8), np.float32), np.full((8, 4), value, np.float32)
    return save({f"{LAYER}.lora_A.weight": down, f"{LAYER}.lora_B.weight": up})


def pack(files: dict[str, bytes]) -> bytes:
    """A tar, compressed by zstandard."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return zstandard.compress(plain.getvalue())


def pack_adapter(value: float = 0.5, **config: object) -> bytes:
    """An adapter in a folder, with a file of the kind that is not taken."""
    return pack(
        {
            "out/adapter_config.json": json.dumps({**CONFIG, **config}).encode(),
            "out/adapter_model.safetensors": make_weights(value),
            "out/training_args.bin": b"pickle",
        }
    )
