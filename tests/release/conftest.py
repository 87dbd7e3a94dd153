"""A trained run of a tiny adapter, with held-out rows, as use after training finds one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipebook.files import digest
from recipebook.project import CHAT_TEMPLATES, PROJECT
from recipebook.run.provenance import digest_model
from recipebook.run.rundir import Run
from recipebook.run.weights import check_weights

TINY = PROJECT / "models" / "tiny-base"
RECIPE = """\
description: d
model: {base: models/tiny-base, chat_template: chatml}
training: {precision: fp32}
data: {source: samples/robot.json, converter: robot}
eval: {metrics: {text: {}}, generation: {max_new_tokens: 8}}
"""
SYSTEM = "You drive a robot."
QUESTIONS = ("stop", "Drive ahead 7 meters.", "Grab the toy using a force of 4.5 N.", "What do you see?", "Turn left.")


@pytest.fixture
def tokenizer() -> Any:
    """The tiny model's, in ChatML."""
    found = AutoTokenizer.from_pretrained(TINY)
    found.chat_template = (CHAT_TEMPLATES / "chatml.jinja").read_text()
    return found


@pytest.fixture
def make_trained(start_run: Callable[..., Run], tokenizer: Any) -> Callable[..., Run]:
    """Runs whose adapter changes answers for certain, or is all zeros."""

    def make(acts: bool = True, recipe: str = RECIPE, system: str | None = SYSTEM) -> Run:
        run = start_run(recipe="own-robot")
        (run.folder / "resolved.yaml").write_text(recipe)
        torch.manual_seed(1)
        base: Any = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "down_proj"], init_lora_weights=not acts)
        get_peft_model(base, config).save_pretrained(str(run.folder / "model"))
        tokenizer.save_pretrained(run.folder / "model")
        write_rows(run.folder / "data" / "test.jsonl", system)
        weights = dict(check_weights(run.folder / "model", None))
        hashes = {"base": digest_model(TINY), "chat_template": digest(tokenizer.chat_template)}
        run.write(run.read().model_copy(update={"hashes": hashes, "weights": weights, "base": "models/tiny-base"}))
        return run

    return make


def write_rows(path: Path, system: str | None) -> None:
    """A row a question, each with the same answer."""
    path.parent.mkdir()
    opening = [{"role": "system", "content": system}] if system else []
    rows = [
        {
            "messages": [
                *opening,
                {"role": "user", "content": question},
                {"role": "assistant", "content": "robot.stop()"},
            ],
            "meta": {"origin": f"own#{at}"},
        }
        for at, question in enumerate(QUESTIONS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
