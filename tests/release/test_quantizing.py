"""A run's model in fewer bits: the folder loads, is smaller, and what cannot be made is refused in a line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.asking.other_model import find_other, load_other
from recipebook.errors import UserError
from recipebook.run.rundir import Run
from release.quantizing import quantize_run

MakeTrained = Callable[..., Run]


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_eight_bits_are_smaller_load_again_and_answer(
    kind: str, make_trained: MakeTrained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = make_trained(), tmp_path / "models" / "small"
    assert quantize_run(run.name, kind, out, runs=tmp_path) == 0  # type: ignore[arg-type]
    record = json.loads((out / "quantized.json").read_bytes())
    assert (record["run"], record["format"], record["deviation"]["prompts"]) == (run.name, kind, 5)
    assert record["size"] < 0.5 * record["whole_size"]
    assert 0 < record["deviation"]["largest"] < 5
    model, tokenizer = load_other(find_other(str(out)))
    assert tokenizer.chat_template and model.config.quantization_config
    said = capsys.readouterr().out
    assert f"next      make eval RUN={run.name} MODEL={out}" in said
    assert [path.name for path in out.parent.iterdir()] == ["small"]


def test_an_adapter_of_zeros_is_refused_and_leaves_nothing(make_trained: MakeTrained, tmp_path: Path) -> None:
    run = make_trained(acts=False)
    with pytest.raises(UserError, match="the adapter acts at no module: lora_B is zero at all 8"):
        quantize_run(run.name, "int8", tmp_path / "models" / "small", runs=tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def write_converter(folder: Path, program: str) -> Path:
    folder.mkdir()
    (folder / "convert_hf_to_gguf.py").write_text(program)
    return folder


def test_a_gguf_file_is_smaller_loads_again_and_answers(make_trained: MakeTrained, tmp_path: Path) -> None:
    run, out = make_trained(), tmp_path / "models" / "small"
    converter = (Path(__file__).parent / "gguf_converter.py").read_text()
    assert quantize_run(run.name, "gguf", out, write_converter(tmp_path / "llama.cpp", converter), runs=tmp_path) == 0
    record = json.loads((out / "quantized.json").read_bytes())
    assert record["size"] < 0.5 * record["whole_size"]
    assert record["deviation"]["prompts"] == 5 and 0 < record["deviation"]["largest"] < 5
    model, tokenizer = load_other(find_other(str(out / "model-q8_0.gguf")))
    assert model.config.head_dim == 32 and tokenizer.chat_template


def test_a_gguf_file_that_does_not_load_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\0\0\0")
    with pytest.raises(UserError, match=r"MODEL: .*cut\.gguf cannot be loaded: "):
        load_other(find_other(str(tmp_path / "cut.gguf")))


def test_the_users_llama_cpp_is_refused_in_its_own_words(make_trained: MakeTrained, tmp_path: Path) -> None:
    run, out = make_trained(), tmp_path / "models" / "small"
    broken = write_converter(tmp_path / "broken", "raise SystemExit('BPE pre-tokenizer was not recognized')\n")
    with pytest.raises(UserError, match=r"convert_hf_to_gguf\.py: BPE pre-tokenizer was not recognized"):
        quantize_run(run.name, "gguf", out, broken, runs=tmp_path)
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "folder", "line"),
    [
        ("gguf", None, "FORMAT=gguf needs LLAMA_CPP="),
        ("gguf", "nowhere", "LLAMA_CPP: nowhere has no convert_hf_to_gguf.py"),
        ("int4", None, "FORMAT=int4 needs an NVIDIA GPU and the package mslk; int8 and fp8 need neither"),
    ],
)
def test_what_is_missing_is_said_before_a_run_is_looked_for(
    kind: str, folder: str | None, line: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        quantize_run("nothing", kind, tmp_path / "out", Path(folder) if folder else None)  # type: ignore[arg-type]
    assert str(caught.value).startswith(line)
