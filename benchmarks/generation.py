"""Predictions a second: recipebook against lm-eval-harness's `hf` backend on one adapter, prompts and lengths.

    python -m benchmarks.generation --run robot-lora --batch-sizes 32 64 128 256

Both are loaded, warmed up by one batch and timed while they answer the run's test prompts greedily. They take turns at
each batch size, and the best time of each counts. Loading is left out. `cpu_ratio` compares seconds of the processor,
which others at work on the machine hardly change. The last line is one JSON object:

    {"prompts": 577, "recipebook_per_s": 300, "lm_eval_per_s": 140, "ratio": 2.1, "cpu_ratio": 2.1, …}
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from recipebook.hardware import detect
from recipebook.recipe.base_model import find_base
from recipebook.recipe.evaluation_keys import Generation
from recipebook.recipe.resolve import resolve
from recipebook.run import rundir

NEW_TOKENS = 128


def main() -> None:
    """Measure, print a line a batch size, and the figures as JSON last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="robot-lora")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--rounds", type=int, default=3, help="how often each answers at a batch size")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    ours, theirs, texts = load_both(arguments.run)
    seconds: dict[str, dict[int, float]] = {"recipebook": {}, "lm_eval": {}}
    cpu: dict[str, list[float]] = {"recipebook": [], "lm_eval": []}
    answers: dict[str, list[str]] = {}
    for size in arguments.batch_sizes:
        taken: dict[str, list[float]] = {"recipebook": [], "lm_eval": []}
        for _ in range(arguments.rounds):
            for name, answer in (("recipebook", ours), ("lm_eval", theirs)):
                started, before = time.monotonic(), time.process_time()
                answers[name] = answer(size)
                taken[name].append(time.monotonic() - started)
                cpu[name].append(time.process_time() - before)
        for name, each in taken.items():
            seconds[name][size] = statistics.median(each)
        text = ", ".join(f"{name} {texts / seconds[name][size]:.0f} a second" for name in seconds)
        print(f"batch {size:4}: {text}")
    best = {name: min(found.values()) for name, found in seconds.items()}
    figures = {
        "prompts": texts,
        "recipebook_per_s": round(texts / best["recipebook"], 1),
        "lm_eval_per_s": round(texts / best["lm_eval"], 1),
        "ratio": round(best["lm_eval"] / best["recipebook"], 2),
        "cpu_ratio": round(min(cpu["lm_eval"]) / min(cpu["recipebook"]), 2),
        "different_answers": sum(a != b for a, b in zip(answers["recipebook"], answers["lm_eval"], strict=True)),
        "rounds": arguments.rounds,
        "cpu": detect().cpu,
        "cores": detect().cores,
    }
    print(json.dumps(figures))


def load_both(query: str) -> tuple[Callable[[int], list[str]], Callable[[int], list[str]], int]:
    """Two functions that answer a run's test prompts at a batch size, ours and theirs, and the number of prompts."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from eval.asking import generate
    from eval.asking.prompts import read_prompts
    from recipebook.libraries import prepare_libraries

    prepare_libraries()
    run = rundir.find(query)
    recipe = resolve(str(run.folder / "resolved.yaml"), None, []).recipe
    base, adapter = find_base(recipe), run.folder / "model"
    prompts = read_prompts(run.folder / "data" / "test.jsonl")
    tokenizer = generate.load_tokenizer(adapter)
    model = generate.merge(generate.load_tuned(adapter, base, recipe.model.revision).model)
    harness: Any = HFLM(
        pretrained=str(base), peft=str(adapter), tokenizer=str(adapter), dtype="float32", device="cpu", max_length=1024
    )
    settings = {"until": [tokenizer.eos_token], "max_gen_toks": NEW_TOKENS, "do_sample": False}
    texts = [generate.format_prompt(tokenizer, prompt) for prompt in prompts]

    def answer(size: int) -> list[str]:
        settings = Generation(max_new_tokens=NEW_TOKENS, batch_size=size)
        return [one.text for one in generate.generate(model, tokenizer, prompts, settings, "recipebook")]

    def answer_by_harness(size: int) -> list[str]:
        harness.batch_size_per_gpu = size
        requests = [
            Instance(request_type="generate_until", doc={}, arguments=(text, dict(settings)), idx=at)
            for at, text in enumerate(texts)
        ]
        return [text.strip() for text in harness.generate_until(requests, disable_tqdm=True)]

    answer(max(1, len(texts) // 8))
    answer_by_harness(max(1, len(texts) // 8))
    return answer, answer_by_harness, len(texts)


if __name__ == "__main__":
    main()
