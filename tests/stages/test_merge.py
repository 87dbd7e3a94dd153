"""A merged model says what the adapter on its base says."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipebook.errors import UserError
from recipebook.project import PROJECT
from stages.merge import Options, run
from tests.stages.conftest import MakeJob

TINY = PROJECT / "models" / "tiny-base"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter that changes something for certain, with its tokenizer."""
    torch.manual_seed(42)
    model: Any = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
    tuned = get_peft_model(model, LoraConfig(r=2, lora_alpha=32, target_modules=["q_proj"], init_lora_weights=False))
    tuned.save_pretrained(str(tmp_path / "adapter"))
    AutoTokenizer.from_pretrained(TINY).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def ask(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([[5, 6, 7, 8]])).logits
    return logits


def test_a_merged_model_stands_alone(make_job: MakeJob, adapter: Path) -> None:
    job = dataclasses.replace(make_job(), adapter=adapter)
    run(job, Options())
    assert sorted(path.name for path in job.folder.iterdir() if path.name.startswith((".", "model"))) == ["model"]
    base: Any = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
    plain = ask(base)
    tuned = ask(PeftModel.from_pretrained(base, adapter))
    merged = ask(AutoModelForCausalLM.from_pretrained(job.folder / "model", dtype=torch.float32))
    assert (plain - tuned).abs().max() > 0.1
    torch.testing.assert_close(merged, tuned, rtol=1e-4, atol=1e-4)
    assert AutoTokenizer.from_pretrained(job.folder / "model").vocab_size > 0


def test_a_model_without_an_adapter_has_nothing_to_merge(make_job: MakeJob) -> None:
    with pytest.raises(UserError, match="has no adapter to merge"):
        run(make_job(), Options())
