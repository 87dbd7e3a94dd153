"""Trained runs in; the command by which vLLM serves them, with one base and an adapter for each, out.

    vllm serve Qwen/Qwen2.5-7B-Instruct --host 127.0.0.1 --port 8000 --enable-lora --max-lora-rank 32
      --lora-modules robot=runs/robot-lora-20261121-053004/model …

Written by vLLM's documented command line. It needs a GPU and was not run by this project.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from recipebook.errors import UserError
from recipebook.project import shown
from recipebook.run.adapter_names import CONFIG
from release.opening import FoundModel

# The ranks that vLLM sets memory aside for.
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def format_vllm(trained: Sequence[FoundModel], port: int) -> list[str]:
    """The words of the command; runs that do not fit one server, or that do nothing, are refused."""
    # Here and not above: it imports torch, and a mistyped name should not wait for it.
    from recipebook.run.adapter_files import read_adapter
    from recipebook.run.own_weights import check_own

    first = trained[0]
    for one in trained:
        if one.base != first.base:
            raise UserError(f"{one.name} has another base than {first.name}; vLLM serves adapters of one base")
        if one.manifest.hashes["chat_template"] != first.manifest.hashes["chat_template"]:
            raise UserError(f"{one.name} has another chat template than {first.name}; vLLM has one for all")
        check_own(one.run, one.manifest, one.recipe, one.weights)
    where = ["--host", "127.0.0.1", "--port", str(port)]
    saved = first.run.folder / "model"
    reading = ["--tokenizer", str(saved)]
    if (template := saved / "chat_template.jinja").is_file():
        reading += ["--chat-template", str(template)]
    # As the evaluation generates; callers may choose otherwise.
    greedy = ["--override-generation-config", json.dumps({"temperature": first.recipe.eval.generation.temperature})]
    whole = [one for one in trained if not (one.weights / CONFIG).is_file()]
    if whole and len(trained) > 1:
        raise UserError(f"{whole[0].name} is a whole model; vLLM serves it alone")
    if whole:
        return ["vllm", "serve", str(first.weights), *where, "--served-model-name", first.name, *reading, *greedy]
    ranks = [int(read_adapter(one.weights).config["r"]) for one in trained]
    base, revision = first.base
    return [
        "vllm", "serve", str(base), *(["--revision", revision] if revision else []), *where, *reading, *greedy,
        "--enable-lora", "--max-lora-rank", str(_find_rank(max(ranks))),
        "--lora-modules", *(f"{one.name}={one.weights}" for one in trained),
    ]  # fmt: skip


def _find_rank(largest: int) -> int:
    fitting = [rank for rank in RANKS if rank >= largest]
    if not fitting:
        raise UserError(f"the adapter's rank is {largest}; vLLM serves up to {RANKS[-1]}")
    return fitting[0]


def find_program(folders: str) -> Path | None:
    """The program vllm in one of the folders of a PATH; None where it is not installed."""
    found = (Path(folder) / "vllm" for folder in folders.split(":") if folder)
    return next((path for path in found if path.is_file()), None)


def describe_missing(command: Sequence[str]) -> str:
    """What to do where vLLM is not installed."""
    import shlex

    return f"vllm is not installed here; where it is, this serves {shown(Path(command[2]))}: {shlex.join(command)}"
