"""A recipe and this machine in; the recipe as this machine would run it out, or what the machine lacks."""

import os
import shutil
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from recipebook import hardware
from recipebook.data.export import find_export
from recipebook.errors import UserError
from recipebook.launch.meeting import check_interfaces, check_meeting, read_meeting
from recipebook.project import locate
from recipebook.recipe.base_model import STAND_INS, find_stand_in
from recipebook.recipe.faults import format_faults
from recipebook.recipe.keys import Recipe, Remote
from recipebook.recipe.references import check_references
from recipebook.recipe.resolve import Resolved, resolve
from recipebook.recipe.switches import Switch, check_switches, find_switched_off
from recipebook.remote import service
from recipebook.suggestions import shorten
from recipebook.train.cards import Card
from recipebook.train.engine_settings import require_optimizer
from recipebook.train.settle import BEFORE_BF16, BEFORE_FP8
from recipebook.train.strategy import settle_strategy

# Profiles under which no GPU is used, also where there is one.
WITHOUT_GPU = ("cpu", "tiny", "small")
# A base that begins so is no name on the hub.
FOLDERS = ("models/", "/", "./", "../")


def choose_profile(profile: str | None) -> str:
    """The given profile, else the one that fits this machine."""
    return profile or ("gpu" if hardware.detect().gpu else "tiny")


def resolve_for_machine(name: str, profile: str | None, overrides: Sequence[str]) -> Resolved:
    """The recipe as this machine would run it: without a GPU and without a given profile, under `tiny`."""
    resolved = settle_strategy(resolve(name, choose_profile(profile), overrides))
    check_references(resolved)
    check_switches(resolved)
    check_machine(resolved)
    return resolved


def check_machine(resolved: Resolved, *, elsewhere: bool = False) -> None:
    """Refuse a recipe that needs GPUs which this machine lacks, or a stand-in for its base that is not there.

    `elsewhere`: it is planned for another machine's GPUs.
    """
    if not (elsewhere or resolved.recipe.remote):
        _check_gpus(resolved)
    if resolved.recipe.launch.ranks > 1 and not elsewhere:
        check_interfaces()
    if meeting := read_meeting(resolved.recipe):
        check_meeting(meeting)
    if resolved.recipe.remote:
        _check_service(resolved, resolved.recipe.remote)
    elif not elsewhere:
        _check_device(resolved)
        require_optimizer(resolved.recipe.training.optimizer)
        if resolved.recipe.launch.offload:
            _check_compiler(resolved)
    base = resolved.recipe.model.base
    name = find_stand_in(base)
    if (name or base.startswith(FOLDERS)) and not locate(base).is_dir():
        goal = f"; make {STAND_INS[name].goal} puts it there" if name else ""
        raise UserError(f"{resolved.name}: model.base: no folder {base}{goal}")


def check_card(resolved: Resolved, card: Card) -> None:
    """Refuse what a GPU of this kind, which is not here, cannot compute."""
    can = {"bf16": lambda: card.name not in BEFORE_BF16, "fp8": lambda: card.name not in BEFORE_FP8}
    if fault := _find_missing_width(resolved.recipe, card.name, can):
        raise UserError(f"{resolved.name}: {fault}")


def require_nvidia(resolved: Resolved) -> None:
    """Refuse a recipe that a service or an Apple GPU trains, for a job on other machines."""
    if resolved.recipe.remote:
        raise UserError(f"{resolved.name}: a service trains it, so that it needs no job; make train sends it there")
    if resolved.recipe.launch.device == "mps":
        raise UserError(f"{resolved.name}: launch.device: mps is an Apple GPU's, and no node has one; PROFILE=gpu")


def require_cores(resolved: Resolved) -> None:
    """Refuse more CPU ranks than cores: each holds a model, and they would take turns."""
    _refuse_hidden_gpus()
    machine, processes = hardware.detect(), resolved.recipe.launch.processes
    most = max(2, machine.cores)
    if processes > most and not machine.gpu and not resolved.recipe.remote:
        raise UserError(
            f"{resolved.name}: launch.processes: {processes}, and this machine has no GPU and {machine.cores} cores: "
            f"GPUS={most} at most; make rehearse GPUS={processes} tries that launch"
        )


def _check_gpus(resolved: Resolved) -> None:
    """Refuse GPUs that `CUDA_VISIBLE_DEVICES` hides by mistake, and more processes than there are GPUs for."""
    _refuse_hidden_gpus()
    machine, processes = hardware.detect(), resolved.recipe.launch.processes
    if machine.slices and processes > 1:
        raise UserError(
            f"{resolved.name}: launch.processes: {processes}, but GPUs of this machine are cut into slices (MIG), and "
            "CUDA shows a process one of them; GPUS=1"
        )
    if 0 < len(machine.gpus) < processes:
        shown = f"{len(machine.gpus)} GPU{'s' if len(machine.gpus) > 1 else ''}"
        raise UserError(
            f"{resolved.name}: launch.processes: {processes}, but this machine shows {shown}; GPUS={len(machine.gpus)}"
        )


def _check_compiler(resolved: Resolved) -> None:
    """Refuse to offload where DeepSpeed could not compile its optimizer for processors, as its ranks would say."""
    compiler, header = os.environ.get("CXX", "c++"), Path(sysconfig.get_path("include")) / "Python.h"
    lacking = [name for name, here in ((compiler, shutil.which(compiler)), (header.name, header.is_file())) if not here]
    if lacking:
        raise UserError(
            f"{resolved.name}: launch.offload: DeepSpeed compiles an optimizer for it, and this machine has no "
            f"{' and no '.join(lacking)}; Debian's packages g++ and python3-dev have them"
        )


def _refuse_hidden_gpus() -> None:
    if hidden := hardware.list_hidden_gpus():
        raise UserError(
            f"CUDA_VISIBLE_DEVICES={shorten(os.environ['CUDA_VISIBLE_DEVICES'])}: CUDA shows no GPU by this; this "
            f"machine has: {', '.join(hidden)}, each to be named once; -1 trains without them"
        )


def _check_device(resolved: Resolved) -> None:
    """Refuse Apple's GPU, and the profile for an NVIDIA GPU, where there is none."""
    machine, apple = hardware.detect(), resolved.recipe.launch.device == "mps"
    if apple and hardware.APPLE_GPU not in machine.other_gpus:
        fault = "launch.device: mps needs an Apple GPU"
    elif not apple and resolved.profile == "gpu" and not machine.gpu:
        fault = "profile gpu needs an NVIDIA GPU"
    elif machine.gpu:
        can = {"bf16": hardware.computes_bf16, "fp8": hardware.computes_fp8}
        if lacking := _find_missing_width(resolved.recipe, machine.gpus[0], can):
            raise UserError(f"{resolved.name}: {lacking}")
        return
    else:
        return
    found = ", ".join(dict.fromkeys((*machine.gpus, *machine.other_gpus, machine.cpu)))
    raise UserError(f"{resolved.name}: {fault}, and this machine has: {found}; PROFILE={_find_profile(machine)}")


def _find_missing_width(recipe: Recipe, name: str, can: Mapping[str, Callable[[], bool]]) -> str | None:
    """Why a GPU of this name cannot compute as the recipe says; a driver is asked only for what the recipe wants."""
    if recipe.training.precision == "bf16" and not can["bf16"]():
        return f"training.precision: bf16, and {name} has none; SET=training.precision=auto computes in what it has"
    if recipe.axolotl.get("fp8") and not can["fp8"]():
        return f"axolotl.fp8, and {name} has none; an H100, L4 or 4090 has"
    return None


def _find_profile(machine: hardware.Hardware) -> str:
    """The profile that trains a recipe's own base on this machine."""
    if machine.gpu:
        return "gpu"
    return "mps" if hardware.APPLE_GPU in machine.other_gpus else "cpu"


def _check_service(resolved: Resolved, remote: Remote) -> None:
    """Refuse a recipe that the service cannot train, and a missing key, before anything is prepared."""
    find_export(remote.form)
    module = service.load_service(remote.service)
    keys = getattr(module, "DECIDES", ())
    decided = Switch(keys, ("remote",), f"{remote.service}, which decides it", "a recipe without remote")
    faults = [*module.find_obstacles(resolved.recipe), *find_switched_off(resolved, [decided])]
    if lines := format_faults(faults, resolved.places):
        raise UserError("\n".join(lines))
    service.connect(remote)
