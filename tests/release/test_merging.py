"""A run's adapter becomes part of its base's weights: the folder answers as the adapter does, or is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipebook.errors import UserError
from recipebook.run.rundir import Run
from release.merging import merge_run

MakeTrained = Callable[..., Run]


def test_the_merged_folder_has_the_adapters_logits_and_answers(
    make_trained: MakeTrained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = make_trained(), tmp_path / "models" / "whole"
    assert merge_run(run.name, out, runs=tmp_path) == 0
    record = json.loads((out / "merged.json").read_bytes())
    assert (record["run"], record["dtype"], record["prompts"], record["equal"]) == (run.name, "float32", 5, 5)
    assert record["largest"] < 1e-4
    assert "adapter   5 of 5 greedy answers are equal; the largest difference of logits is " in capsys.readouterr().out
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    tuned = AutoPeftModelForCausalLM.from_pretrained(run.folder / "model", dtype=torch.float32)
    whole = AutoModelForCausalLM.from_pretrained(out)
    torch.testing.assert_close(whole(input_ids=ids).logits, tuned(input_ids=ids).logits, atol=1e-4, rtol=0)
    assert (
        AutoTokenizer.from_pretrained(out).chat_template
        == AutoTokenizer.from_pretrained(run.folder / "model").chat_template
    )
    assert json.loads((out / "generation_config.json").read_bytes())["eos_token_id"] == [2]
    assert [path.name for path in out.parent.iterdir()] == ["whole"]


def test_fewer_bits_are_stored_on_request(make_trained: MakeTrained, tmp_path: Path) -> None:
    merge_run(make_trained().name, tmp_path / "half", dtype="bfloat16", runs=tmp_path)
    assert json.loads((tmp_path / "half" / "config.json").read_bytes())["dtype"] == "bfloat16"
    assert json.loads((tmp_path / "half" / "merged.json").read_bytes())["largest"] > 1e-4


def test_an_adapter_of_zeros_is_refused_and_leaves_nothing(make_trained: MakeTrained, tmp_path: Path) -> None:
    run = make_trained(acts=False)
    with pytest.raises(UserError, match="the adapter acts at no module: lora_B is zero at all 8"):
        merge_run(run.name, tmp_path / "models" / "whole", runs=tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is there already"):
        merge_run("a", tmp_path, runs=tmp_path)


def test_a_checkpoint_that_is_not_there_is_one_line(make_trained: MakeTrained, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no checkpoint 5; it has: none"):
        merge_run(make_trained().name, tmp_path / "whole", 5, runs=tmp_path)
