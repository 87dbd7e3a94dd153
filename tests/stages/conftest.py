"""A stage's job on the embedded model, with rows of our own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebook.pipeline.job import StageJob
from recipebook.project import PROJECT
from recipebook.recipe.resolve import resolve

TINY = PROJECT / "models" / "tiny-base"
MakeJob = Callable[..., StageJob]


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    """`rows` are (question, answer) couples of train; `sources` are earlier stages' records."""

    def make(
        rows: list[tuple[str, str]] | None = None,
        sources: dict[str, list[dict[str, Any]]] | None = None,
        folder: str = "stage",
        seed: int = 42,
    ) -> StageJob:
        lines = [
            {
                "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}],
                "meta": {"language": "en", "origin": f"a.jsonl#{number}"},
            }
            for number, (asked, said) in enumerate(rows or (), 1)
        ]
        (tmp_path / folder).mkdir(exist_ok=True)
        write_lines(tmp_path / "train.jsonl", lines)
        for name, records in (sources or {}).items():
            write_lines(tmp_path / f"{name}.jsonl", records)
        return StageJob(
            name="made",
            folder=tmp_path / folder,
            model=TINY,
            adapter=None,
            revision=None,
            tokenizer=TINY,
            chat_template=(PROJECT / "templates" / "chat" / "chatml.jinja").read_text(),
            rows={"train": tmp_path / "train.jsonl"},
            sources={name: tmp_path / f"{name}.jsonl" for name in sources or ()},
            seed=seed,
            recipe=resolve("robot-lora", "tiny").recipe,
        )

    return make


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    """A JSONL file."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
