"""Healthy adapters, random and trained, of all kinds, raise no alarm."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from eval.asking.effect import Effect
from eval.asking.generate import load_tokenizer, merge
from eval.asking.prompts import Prompt, read_prompts
from recipebook.project import CHAT_TEMPLATES
from recipebook.run.adapter import put_on
from tests.recipebook.run.adapters import TINY, change_weights, load_base, map_weights, write_adapter, write_trained

SETTINGS: list[dict[str, Any]] = [
    {}, {"r": 1}, {"r": 16, "lora_alpha": 1}, {"lora_alpha": 64}, {"use_rslora": True}, {"use_dora": True},
    {"target_modules": ["down_proj"]}, {"target_modules": "all-linear"}, {"target_modules": r".*attn\.[qkvo]_proj"},
    {"layers_to_transform": [2], "target_modules": ["up_proj"]}, {"rank_pattern": {"q_proj": 2}},
    {"alpha_pattern": {"v_proj": 3}},
    {"modules_to_save": ["lm_head"]}, {"target_modules": ["embed_tokens", "o_proj"]}, {"lora_bias": True},
    {"trainable_token_indices": [5, 9, 14]},
]  # fmt: skip
TYPES = (torch.float32, torch.bfloat16, torch.float16)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    """Two."""
    path = tmp_path_factory.mktemp("rows") / "test.jsonl"
    turns = [{"role": "user", "content": "say it"}, {"role": "assistant", "content": "it is said"}]
    path.write_text("".join(json.dumps({"messages": turns, "meta": {"origin": str(at)}}) + "\n" for at in range(2)))
    return read_prompts(path)


@pytest.mark.parametrize("seeds", [range(24), pytest.param(range(24, 240), marks=pytest.mark.long)])
def test_healthy_adapters_raise_no_alarm(tmp_path: Path, prompts: list[Prompt], seeds: range) -> None:
    for seed in seeds:
        adapter, settings = tmp_path / str(seed), SETTINGS[seed % len(SETTINGS)]
        if seed % 3:
            write_adapter(adapter, seed, 10.0 ** -(1 + seed // 16 % 3), **settings)
        else:
            write_trained(adapter, seed, steps=1 + seed // 16 % 3, **settings)
        kind = TYPES[seed // 16 % 3]
        change_weights(adapter, map_weights(lambda _, one, kind=kind: one.to(kind)))  # type: ignore[misc]
        prove(adapter, prompts, merges="lora_bias" not in settings)


def prove(adapter: Path, prompts: list[Prompt], *, merges: bool) -> None:
    """Put an adapter on the base as an evaluation does; PEFT cannot merge a bias into layers without one."""
    tuned, tokenizer = put_on(load_base(), adapter), load_tokenizer(TINY)
    tokenizer.chat_template = (CHAT_TEMPLATES / "chatml.jinja").read_text()
    effect = Effect.measure(tuned, adapter.name, tokenizer, prompts, 8)
    found = effect.check(merge(tuned.model) if merges else tuned.model, tokenizer)
    assert tuned.acting and (tuned.acting.idle, tuned.acting.surplus, tuned.acting.unmatched) == ((), (), ())
    assert found.shift and found.shift.moved == found.shift.rows == 2
