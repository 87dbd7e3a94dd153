"""vLLM as generator, by a stand-in that plays its interface; vLLM itself is not run by any test."""

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from eval.asking import generate, generate_vllm
from eval.asking.generate import GeneratedAnswer
from eval.asking.generate_vllm import generate_both, is_wanted
from eval.asking.layout import PLAIN, Layout
from eval.asking.prompts import Prompt
from eval.scoring.rows_of_answers import SAMPLE
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.evaluation_keys import Generation

pytestmark = pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")

PROMPTS = [
    Prompt(text, ({"role": "user", "content": text},), (), {"role": "assistant", "content": "ok"}, None, {})
    for text in ("stop", "move")
]


class StandIn:
    """vLLM's three classes, and what they were told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engines: list[dict[str, Any]] = []
        self.asked: list[tuple[Any, list[dict[str, list[int]]], Any]] = []
        vllm, lora, request = ModuleType("vllm"), ModuleType("vllm.lora"), ModuleType("vllm.lora.request")
        vars(vllm).update(LLM=self._open, SamplingParams=lambda **settings: settings)
        vars(request).update(LoRARequest=lambda *words: words)
        for module in (vllm, lora, request):
            monkeypatch.setitem(sys.modules, module.__name__, module)

    def _open(self, **settings: Any) -> Any:
        self.engines.append(settings)
        return SimpleNamespace(generate=self._generate)

    def _generate(self, prompts: list[Any], how: Any, *, lora_request: Any, use_tqdm: bool) -> list[Any]:
        assert use_tqdm is False
        self.asked.append((lora_request, prompts, how))
        name = "tuned" if lora_request else "base"
        ended = SimpleNamespace(text=f" {name} 0 ", token_ids=[5, 6, 2], finish_reason="stop")
        cut = SimpleNamespace(text=f"{name} 1", token_ids=[5, 6, 7], finish_reason="length")
        return [SimpleNamespace(outputs=[ended]), SimpleNamespace(outputs=[cut])]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(monkeypatch)


@pytest.fixture
def tokenizer() -> Any:
    found = generate.load_tokenizer(PROJECT / "models" / "tiny-base")
    found.chat_template = (PROJECT / "templates" / "chat" / "chatml.jinja").read_text()
    return found


def write_adapter(folder: Path, rank: int) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
    return folder


def test_both_models_answer_in_one_engine_by_the_adapter(vllm: StandIn, tokenizer: Any, tmp_path: Path) -> None:
    weights = write_adapter(tmp_path / "model", 20)
    settings = Generation(max_new_tokens=9, temperature=0.5, top_p=0.9, seed=7)
    found = generate_both(weights, "some/base", "v2", tokenizer, PROMPTS, settings)
    assert found == {
        "tuned": [GeneratedAnswer("tuned 0", 2, truncated=False), GeneratedAnswer("tuned 1", 3, truncated=True)],
        "base": [GeneratedAnswer("base 0", 2, truncated=False), GeneratedAnswer("base 1", 3, truncated=True)],
    }
    # 32 is the least of vLLM's ranks that holds an adapter of 20.
    assert vllm.engines == [{"model": "some/base", "revision": "v2", "enable_lora": True, "max_lora_rank": 32}]
    assert [request for request, *_ in vllm.asked] == [("tuned", 1, str(weights)), None]
    _, prompts, how = vllm.asked[0]
    texts = [generate.format_prompt(tokenizer, prompt) for prompt in PROMPTS]
    assert [tokenizer.decode(one["prompt_token_ids"]) for one in prompts] == texts
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert [end in one.pop("stop_token_ids") for one in how] == [True, True]
    assert how == 2 * [{"temperature": 0.5, "top_p": 0.9, "max_tokens": 9, "seed": 7}]


def test_each_sample_of_a_prompt_has_a_seed_of_its_own(vllm: StandIn, tokenizer: Any, tmp_path: Path) -> None:
    samples = [replace(PROMPTS[0], meta={SAMPLE: number}) for number in (1, 2)]
    generate_both(tmp_path, "some/base", None, tokenizer, samples, Generation(temperature=0.5, seed=7))
    assert [one["seed"] for one in vllm.asked[0][2]] == [7, 8]


def test_a_prompt_that_fills_the_context_is_not_asked(vllm: StandIn, tokenizer: Any, tmp_path: Path) -> None:
    long = replace(PROMPTS[0], messages=({"role": "user", "content": "stop " * 1_100},))
    base = str(PROJECT / "models" / "tiny-base")
    found = generate_both(
        write_adapter(tmp_path / "model", 8), base, None, tokenizer, [PROMPTS[0], long, PROMPTS[1]], Generation()
    )
    assert found["base"] == [
        GeneratedAnswer("base 0", 2, truncated=False),
        GeneratedAnswer("", 0, truncated=True),
        GeneratedAnswer("base 1", 3, truncated=True),
    ]


def test_a_whole_model_has_an_engine_of_its_own(vllm: StandIn, tokenizer: Any, tmp_path: Path) -> None:
    found = generate_both(tmp_path, "some/base", None, tokenizer, PROMPTS, Generation())
    assert [engine["model"] for engine in vllm.engines] == [str(tmp_path), "some/base"]
    assert found.keys() == {"tuned", "base"}


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        (PLAIN, {}),
        (Layout("4bit"), {"quantization": "bitsandbytes"}),
        (Layout(spread=True), {"tensor_parallel_size": 4}),
    ],
)
def test_the_engine_is_told_how_the_model_lies_on_gpus(
    layout: Layout, wanted: Any, vllm: StandIn, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate_vllm, "name_gpus", lambda: ["0", "1", "2", "3"])
    generate_both(write_adapter(tmp_path / "model", 8), "b", None, tokenizer, PROMPTS, Generation(), layout)
    assert vllm.engines == [{"model": "b", "revision": None, "enable_lora": True, "max_lora_rank": 8, **wanted}]


def test_without_vllm_transformers_generates() -> None:
    assert [is_wanted(Generation(engine=engine)) for engine in ("auto", "transformers")] == [False, False]


def test_vllm_is_refused_where_it_is_not() -> None:
    with pytest.raises(UserError) as error:
        is_wanted(Generation(engine="vllm"))
    assert str(error.value) == (
        "eval.generation.engine: vllm needs the package vllm and a GPU; auto and transformers do not"
    )
