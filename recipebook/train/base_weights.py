"""The weights of a base in a folder, looked at before the engine is started: a recipe in, nothing or an error out.

    lora.target_modules: none of c_attn is a layer of models/tiny-base; it has: down_proj, gate_proj, k_proj, …

Only the heads of the files are read. A base on the hub is not looked at.
"""

from pathlib import Path

from recipebook.errors import UserError
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.run.checkpoints import list_tensors
from recipebook.suggestions import FEW

OTHER_WEIGHTS = ("*.bin", "*.pt", "*.pth")


def require_weights(recipe: Recipe) -> None:
    """Refuse a base without weights, with a file of them that is cut short, or without the layers that LoRA targets."""
    base = find_base(recipe)
    # A pretraining begins with weights of its own, and a service with its own base.
    fresh = recipe.training.method == "pretrain" or recipe.axolotl.get("reinit_weights")
    if recipe.remote or isinstance(base, str) or fresh:
        return
    tensors = _read_tensors(base, recipe.model.base)
    targets = recipe.lora.target_modules if recipe.lora else "all-linear"
    if not tensors or targets == "all-linear":
        return
    layers = {name.removesuffix(".weight") for name in tensors if name.endswith(".weight")}
    if not any(layer == target or layer.endswith(f".{target}") for layer in layers for target in targets):
        inner = sorted(
            {layer.rpartition(".")[2] for layer in layers if any(part.isdigit() for part in layer.split("."))}
        )
        raise UserError(
            f"lora.target_modules: none of {', '.join(targets)} is a layer of {recipe.model.base}; "
            f"it has: {', '.join(inner[:FEW]) or 'none'}"
        )


def _read_tensors(folder: Path, name: str) -> list[str]:
    """The names of a model's tensors, which messages call `name`; none where only torch can read its files."""
    files = sorted(folder.glob("*.safetensors"))
    if not files and not any(path for pattern in OTHER_WEIGHTS for path in folder.glob(pattern)):
        raise UserError(f"model.base: {name} has no weights: no file in it ends in .safetensors")
    tensors: list[str] = []
    for path in files:
        if (found := list_tensors(path)) is None:
            raise UserError(f"model.base: {name}: {path.name} is cut short, or holds no weights")
        tensors += found
    return tensors
