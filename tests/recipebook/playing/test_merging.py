"""An adapter merged for a while: the same answers, and the base's weights as before."""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from recipebook.playing.merging import merged
from recipebook.project import PROJECT

IDS = torch.tensor([[5, 9, 40, 7]])


def adapted() -> Any:
    torch.manual_seed(1)
    base = AutoModelForCausalLM.from_pretrained(PROJECT / "models" / "tiny-base", dtype=torch.float32)
    tuned = get_peft_model(base, LoraConfig(r=4, target_modules=["q_proj", "up_proj"], lora_dropout=0.5))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    return tuned


def test_a_merged_model_answers_as_the_adapter_on_its_base_and_gives_the_base_back_unchanged() -> None:
    model = adapted().train()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with merged(model) as plain, torch.no_grad():
        found = plain(IDS).logits
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert model.training
    with torch.no_grad():
        expected = model.eval()(IDS).logits
        base = model.get_base_model()
        with model.disable_adapter():
            without = base(IDS).logits
    assert torch.allclose(found, expected, atol=1e-4)
    assert not torch.allclose(found, without, atol=1e-2)


def test_an_adapter_stays_apart_if_asked_and_off_if_it_is_off() -> None:
    model = adapted().eval()
    with torch.no_grad():
        expected = model(IDS).logits
        with merged(model, apart=True) as plain:
            assert torch.equal(plain(IDS).logits, expected)
        before = {name: weight.clone() for name, weight in model.state_dict().items()}
        with model.disable_adapter():
            without = model(IDS).logits
            with merged(model) as plain:
                assert torch.equal(plain(IDS).logits, without)
                assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
