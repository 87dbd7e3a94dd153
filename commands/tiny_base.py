"""`make tiny-base`: trains recipes/tiny-base.yaml and puts its model, in half the bytes, at models/tiny-base."""

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from commands.train import train
from recipebook.terminal import print_field

if TYPE_CHECKING:
    from recipebook.run.rundir import Run

HELP = "make the embedded tiny base model again"
RECIPE = "tiny-base"
KEPT = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whether it is trained anew."""
    parser.add_argument("--force", action="store_true", help="train again even if the same run is finished")


def run(arguments: argparse.Namespace) -> int:
    """Train, then store the weights as bfloat16 with a note of the run that made them."""
    from recipebook.fleet.train import FleetChoice
    from recipebook.pipeline.train import StageChoice
    from recipebook.project import PROJECT, shown
    from recipebook.run import rundir

    status = train(RECIPE, "tiny", [], StageChoice(force=arguments.force), FleetChoice(force=arguments.force))
    if status == 0:
        folder = PROJECT / "models" / RECIPE
        _store(rundir.find(RECIPE), folder)
        print_field("stored", shown(folder))
    return status


def _store(run: "Run", folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    building = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    weights = load_file(run.folder / "model" / "model.safetensors")
    half = {name: tensor.to(torch.bfloat16) for name, tensor in weights.items()}
    save_file(half, building / "model.safetensors", metadata={"format": "pt"})
    for name in KEPT:
        shutil.copyfile(run.folder / "model" / name, building / name)
    _note_origin(building, run)
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


def _note_origin(folder: Path, run: "Run") -> None:
    from recipebook.files import write_text

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
