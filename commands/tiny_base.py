"""`make tiny-base`: trains recipes/tiny-base.yaml and puts its model, in half the bytes, at models/tiny-base."""

import json
import shutil
from pathlib import Path

from commands.train import train
from recipebook.files import write_text
from recipebook.pipeline.train import Choice
from recipebook.project import PROJECT, shown
from recipebook.run import rundir

RECIPE = "tiny-base"
FOLDER = PROJECT / "models" / "tiny-base"
KEPT = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def make_tiny_base(*, force: bool) -> int:
    """Train, then store the weights as bfloat16 with a note of the run that made them; the exit status."""
    status = train(RECIPE, "tiny", [], Choice(force=force))
    if status == 0:
        _store(rundir.find(RECIPE))
        print(f"stored    {shown(FOLDER)}")
    return status


def _store(run: rundir.Run) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    building = FOLDER.with_name(f".{FOLDER.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    weights = load_file(run.folder / "model" / "model.safetensors")
    half = {name: tensor.to(torch.bfloat16) for name, tensor in weights.items()}
    save_file(half, building / "model.safetensors", metadata={"format": "pt"})
    for name in KEPT:
        shutil.copyfile(run.folder / "model" / name, building / name)
    _note_origin(building, run)
    shutil.rmtree(FOLDER, ignore_errors=True)
    building.rename(FOLDER)


def _note_origin(folder: Path, run: rundir.Run) -> None:
    manifest = run.read()
    config = json.loads((folder / "config.json").read_bytes())
    write_text(folder / "config.json", json.dumps({**config, "dtype": "bfloat16", "use_cache": True}, indent=2) + "\n")
    origin = {
        "recipe": f"recipes/{RECIPE}.yaml",
        "rows": manifest.hashes["rows"],
        "weights": (manifest.weights or {})["digest"],
        "loss": manifest.final_loss,
        "versions": manifest.versions,
    }
    write_text(folder / "origin.json", json.dumps(origin, indent=2) + "\n")
