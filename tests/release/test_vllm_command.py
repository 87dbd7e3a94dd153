"""The command by which vLLM serves runs; a program of its name stands in for it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebook.errors import UserError
from recipebook.project import PROJECT
from recipebook.run.rundir import Run
from release.opening import find_trained
from release.vllm_command import describe_missing, find_program, format_vllm

MakeTrained = Callable[..., Run]


def test_adapters_of_one_base_are_served_by_one_command(make_trained: MakeTrained, tmp_path: Path) -> None:
    one, other = make_trained(), make_trained()
    command = format_vllm([find_trained(run.name, runs=tmp_path) for run in (one, other)], 8001)
    fake = tmp_path / "bin" / "vllm"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    program = find_program(f"/nowhere:{fake.parent}")
    assert program == fake
    called = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=True).stdout.splitlines()
    saved = str(one.folder / "model")
    assert called == [
        "serve", str(PROJECT / "models" / "tiny-base"), "--host", "127.0.0.1", "--port", "8001",
        "--tokenizer", saved, "--chat-template", f"{saved}/chat_template.jinja",
        "--override-generation-config", '{"temperature": 0.0}',
        "--enable-lora", "--max-lora-rank", "8",
        "--lora-modules", f"{one.name}={saved}", f"{other.name}={other.folder / 'model'}",
    ]  # fmt: skip


def test_where_it_is_not_installed_a_line_says_what_would_serve() -> None:
    assert find_program("/nowhere:") is None
    assert describe_missing(["vllm", "serve", "/a b"]).endswith("this serves /a b: vllm serve '/a b'")


def test_an_adapter_of_zeros_and_one_of_another_template_are_refused(make_trained: MakeTrained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="lora_B is zero at all 8"):
        format_vllm([find_trained(make_trained(acts=False).name, runs=tmp_path)], 8000)
    one, other = make_trained(), make_trained()
    hashes = {**other.read().hashes, "chat_template": "x"}
    other.write(other.read().model_copy(update={"hashes": hashes}))
    with pytest.raises(UserError, match="has another chat template than"):
        format_vllm([find_trained(run.name, runs=tmp_path) for run in (one, other)], 8000)
