"""Prompts to answers by vLLM, where it is installed and there is a GPU: both models in one engine, by its adapter.

Written by vLLM's documented interface (`LLM`, `SamplingParams`, `LoRARequest`). Tests play that interface; vLLM itself
has not been run here. Its answers may differ from transformers' where two tokens are about equally likely.
"""

import gc
import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from eval.asking.generate import GeneratedAnswer, Tokenizer, format_prompt
from eval.asking.layout import PLAIN, Layout
from eval.asking.prompts import Prompt
from eval.scoring.rows_of_answers import SAMPLE
from recipebook.errors import UserError
from recipebook.hardware import name_gpus
from recipebook.recipe.evaluation_keys import Generation
from recipebook.text.chat import list_end_tokens
from recipebook.train.shapes import find_context

# The ranks that vLLM sets memory aside for.
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def is_wanted(settings: Generation) -> bool:
    """Whether the recipe's engine is vLLM on this machine."""
    there = find_spec("vllm") is not None and torch.cuda.is_available()
    if settings.engine == "vllm" and not there:
        raise UserError("eval.generation.engine: vllm needs the package vllm and a GPU; auto and transformers do not")
    return there and settings.engine != "transformers"


def generate_both(
    weights: Path,
    base: str,
    revision: str | None,
    tokenizer: Tokenizer,
    prompts: list[Prompt],
    settings: Generation,
    layout: Layout = PLAIN,
) -> dict[str, list[GeneratedAnswer]]:
    """The answers of `tuned` and `base`, in the prompts' order; the GPU's memory is freed."""
    more = _describe_layout(layout)
    texts = [format_prompt(tokenizer, prompt) for prompt in prompts]
    tokens = [{"prompt_token_ids": ids} for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    how = [
        import_module("vllm").SamplingParams(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_new_tokens,
            # By one seed, all samples of a prompt would be the same.
            seed=settings.seed + prompt.meta.get(SAMPLE, 1) - 1,
            # vLLM itself stops at the tokens of the model's own settings.
            stop_token_ids=list_end_tokens(tokenizer),
        )
        for prompt in prompts
    ]
    adapter = weights / "adapter_config.json"
    if not adapter.is_file():
        (tuned,) = _ask([None], tokens, how, str(weights), None, **more)
        (untuned,) = _ask([None], tokens, how, base, revision, **more)
        return {"tuned": tuned, "base": untuned}
    rank = next(most for most in RANKS if most >= json.loads(adapter.read_bytes())["r"])
    request = import_module("vllm.lora.request").LoRARequest("tuned", 1, str(weights))
    tuned, untuned = _ask([request, None], tokens, how, base, revision, enable_lora=True, max_lora_rank=rank, **more)
    return {"tuned": tuned, "base": untuned}


def _describe_layout(layout: Layout) -> dict[str, Any]:
    """How vLLM lays a model out on GPUs. It divides layers, and quantises the weights as it loads them."""
    several = {"tensor_parallel_size": len(name_gpus())} if layout.spread else {}
    return {**several, **({"quantization": "bitsandbytes"} if layout.bits == "4bit" else {})}


def _ask(
    requests: list[Any],
    tokens: list[dict[str, list[int]]],
    how: list[Any],
    model: str,
    revision: str | None,
    **settings: Any,
) -> list[list[GeneratedAnswer]]:
    """The answers with each adapter of `requests` (None: without one), by an engine that is then freed.

    A prompt that fills the model's context, which vLLM refuses, has an empty answer.
    """
    context, engine = find_context(model), import_module("vllm").LLM(model=model, revision=revision, **settings)
    asked = [at for at, one in enumerate(tokens) if not context or len(one["prompt_token_ids"]) < context]
    answers = []
    for request in requests:
        given = [tokens[at] for at in asked], [how[at] for at in asked]
        said = engine.generate(*given, lora_request=request, use_tqdm=False)
        found = dict(zip(asked, (_read(each.outputs[0]) for each in said), strict=True))
        answers.append([found.get(at, GeneratedAnswer("", 0, truncated=True)) for at in range(len(tokens))])
    del engine
    gc.collect()
    torch.cuda.empty_cache()
    return answers


def _read(output: Any) -> GeneratedAnswer:
    # The token that ends an answer is among its tokens.
    ended = output.finish_reason == "stop"
    return GeneratedAnswer(output.text.strip(), len(output.token_ids) - ended, not ended)
