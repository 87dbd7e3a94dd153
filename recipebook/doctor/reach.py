"""What lies outside: the hub and its login, the port where processes meet, telemetry, and the box of shell tasks.

    check_hub(recipe)   → MachineFinding("hub", "meta-llama/Llama-3.1-8B-Instruct can be loaded")

A token is never printed: the line says whether there is one.
"""

import os
import socket

from recipebook.doctor.finding import MachineFinding
from recipebook.errors import UserError
from recipebook.recipe.base_model import find_base
from recipebook.recipe.keys import Recipe
from recipebook.shell.requirements import list_missing
from recipebook.train.hub_base import check_hub_base

PORT = 29500


def check_hub(recipe: Recipe | None) -> list[MachineFinding]:
    """Whether the recipe's base can be loaded, and whether there is a login."""
    from huggingface_hub import get_token

    login = MachineFinding("login", "a token is there" if get_token() else "none, which public models do not need")
    if recipe is None:
        return [MachineFinding("hub", "not asked: RECIPE= names the base to look for"), login]
    base = find_base(recipe)
    if not isinstance(base, str):
        return [MachineFinding("hub", f"not needed: {recipe.model.base} is a folder")]
    try:
        check_hub_base(base, recipe.model.revision)
    except UserError as error:
        return [MachineFinding("hub", str(error).removeprefix("model.base: "), _find_cure(str(error))), login]
    return [MachineFinding("hub", f"{base} can be loaded"), login]


def _find_cure(fault: str) -> str:
    if "network" in fault:
        return "a network, or a copy of the model: SET=model.base=FOLDER"
    return "hf auth login" if "login" in fault else "correct model.base in the recipe"


def check_port(recipe: Recipe | None) -> MachineFinding:
    """Whether several machines can meet here; processes of one machine take another port where this one is taken."""
    try:
        socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return MachineFinding("port", f"{socket.gethostname()} has no address", "a line for it in /etc/hosts")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("", PORT))
        except OSError as error:
            cure = f"end what holds it, or MAIN=HOST:{PORT + 1}" if recipe and recipe.launch.machines > 1 else None
            return MachineFinding("port", f"{PORT}: {error.strerror}", cure)
    return MachineFinding("port", f"{PORT} is free")


def check_telemetry() -> MachineFinding:
    """Who hears of trainings: Axolotl never does, and the hub's library says its version where it loads something."""
    quiet = os.environ.get("HF_HUB_DISABLE_TELEMETRY") or os.environ.get("DO_NOT_TRACK")
    hub = (
        "the hub's is off" if quiet else "the hub hears versions with each download; HF_HUB_DISABLE_TELEMETRY=1 ends it"
    )
    return MachineFinding("telemetry", f"Axolotl's is off in every run; {hub}")


def check_sandbox(recipe: Recipe | None) -> MachineFinding:
    """Whether shell tasks can be played; other recipes do not need it."""
    missing = list_missing()
    if not missing:
        return MachineFinding("sandbox", "boxes for shell tasks can be made; make sandbox-check tries them")
    plays = recipe is not None and (recipe.training.method == "grpo" or "shell" in (recipe.eval.metrics or ()))
    if plays:
        return MachineFinding("sandbox", f"shell tasks need {missing[0]}", "make sandbox-check lists all of it")
    return MachineFinding("sandbox", f"needed for shell tasks alone, which lack {missing[0]}")
