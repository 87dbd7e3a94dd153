"""The base model's answers are kept by all that decides them."""

from pathlib import Path

import pytest

from eval.asking import generate
from eval.asking.ask import find_kept_answers
from eval.asking.prompts import Prompt
from recipebook.project import PROJECT
from recipebook.recipe.evaluation_keys import Evaluation
from recipebook.run.manifest import Manifest
from recipebook.run.rundir import Run

PROMPT = Prompt("a", ({"role": "user", "content": "stop"},), (), {"role": "assistant", "content": "ok"}, None, {})


@pytest.fixture
def manifest(start_run) -> Manifest:  # type: ignore[no-untyped-def]
    run: Run = start_run()
    found = run.read()
    return found.model_copy(update={"hashes": {**found.hashes, "base": "b", "chat_template": "c"}})


def test_answers_of_another_device_or_precision_are_not_taken(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = generate.load_tokenizer(PROJECT / "models" / "tiny-base")
    tokenizer.chat_template = (PROJECT / "templates" / "chat" / "chatml.jinja").read_text()
    files = set[Path]()
    for device in ("cpu", "cuda", "mps"):
        monkeypatch.setattr(generate, "choose_device", lambda device=device: device)
        found = [find_kept_answers(manifest, Evaluation(), [PROMPT], "transformers", tokenizer) for _ in range(2)]
        assert found[0] == found[1]
        files.add(found[0])
    assert len(files) == 3


def test_the_precision_is_float32_but_for_a_gpu_of_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for device in ("cpu", "cuda", "mps"):
        monkeypatch.setattr(generate, "choose_device", lambda device=device: device)
        said.append(generate.describe_precision())
    assert said == ["cpu float32", "cuda auto", "mps float32"]
