"""Prompts shared out over processes, as over GPUs: the same answers in the same order, and no child is left."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.asking import generate, sharding
from eval.asking.answers import ModelAnswer
from eval.asking.layout import PLAIN, Layout
from eval.asking.one_model import ask_one
from eval.asking.prompts import Prompt
from eval.asking.sharding import SharedWork, choose_gpus, sharing
from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.recipe.resolve import resolve
from tests.recipebook.run.adapters import write_adapter

TINY = PROJECT / "models" / "tiny-base"
QUESTIONS = ("stop", "move forward 2 m", "turn left", "pick the red ball up", "look around")


@pytest.fixture
def work(tmp_path: Path) -> SharedWork:
    tokenizer = generate.load_tokenizer(TINY)
    tokenizer.chat_template = (PROJECT / "templates" / "chat" / "chatml.jinja").read_text()
    prompts = [
        Prompt(str(at), ({"role": "user", "content": text},), (), {"role": "assistant", "content": "ok"}, None, {})
        for at, text in enumerate(QUESTIONS)
    ]
    settings = ["eval.generation.max_new_tokens=6", "eval.generation.batch_size=2", "eval.metrics={text: {}}"]
    recipe = resolve("robot-lora", "tiny", [*settings, "eval.main=null"]).recipe
    return SharedWork(write_adapter(tmp_path / "model"), str(TINY), None, PLAIN, tokenizer, recipe, prompts)


@pytest.mark.parametrize(
    ("gpus", "prompts", "layout", "wanted"),
    [(1, 5, PLAIN, 1), (4, 5, PLAIN, 2), (2, 200, PLAIN, 2), (4, 1, PLAIN, 1), (4, 200, Layout(spread=True), 1)],
)
def test_each_gpu_has_a_batch_to_answer(
    work: SharedWork, gpus: int, prompts: int, layout: Layout, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharding, "name_gpus", lambda: [str(number) for number in range(gpus)])
    model = SimpleNamespace(disable_adapter=None)
    some = SharedWork(**{**vars(work), "prompts": work.prompts[:1] * prompts, "layout": layout})
    assert choose_gpus(some, model) == [str(number) for number in range(wanted)]
    assert choose_gpus(some, SimpleNamespace()) == ["0"]


def test_alone_all_prompts_are_asked_here(work: SharedWork) -> None:
    asked: list[Prompt] = []

    def ask(prompts: list[Prompt]) -> list[ModelAnswer]:
        asked.extend(prompts)
        return [ModelAnswer(prompt.id) for prompt in prompts]

    with sharing(work, ("base", "tuned"), ["0"]) as shares:
        assert [one.text for one in shares.ask("tuned", ask)] == ["0", "1", "2", "3", "4"]
    assert asked == work.prompts


@pytest.mark.long
def test_shares_of_two_processes_are_the_answers_of_one(work: SharedWork) -> None:
    model = generate.load_tuned(work.weights, work.base, None).model

    def ask(label: str) -> Any:
        return lambda prompts: ask_one(model, work.tokenizer, prompts, work.recipe, label)

    with model.disable_adapter():
        base = ask("base")(work.prompts)
    tuned = ask("tuned")(work.prompts)
    assert base != tuned
    with sharing(work, ("base", "tuned"), ["", ""]) as shares:
        with model.disable_adapter():
            assert shares.ask("base", ask("base")) == base
        assert shares.ask("tuned", ask("tuned")) == tuned
        (_, child), *_ = shares.children
    assert child.poll() is not None


@pytest.mark.long
def test_a_child_that_cannot_answer_is_named_with_its_reason(work: SharedWork) -> None:
    broken = SharedWork(**{**vars(work), "weights": Path("/nowhere/model")})
    missing = pytest.raises(UserError, match=r"^the answers of GPU 1 are missing: .*Repo id must be in the form")
    with missing, sharing(broken, ("tuned",), ["", ""]) as shares:
        shares.ask("tuned", lambda prompts: [ModelAnswer()] * len(prompts))
